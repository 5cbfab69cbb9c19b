"""Every path of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

handler404 = "shop.errors.not_found"
handler500 = "shop.errors.server_error"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("api/docs", RedirectView.as_view(pattern_name="docs")),
    path("api/", include("shop.api.urls")),
    path("callbacks/", include("payments.urls")),
    path("", include("payments.health_urls")),
    path("", include("shop.urls")),
]
