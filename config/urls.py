"""Every path of the site."""

from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

handler400 = "shop.errors.bad_request"
handler404 = "shop.errors.not_found"
handler500 = "shop.errors.server_error"

# Swagger UI writes styles into its page; its script comes from a path of its own.
api_docs = csp_update({"style-src": "'unsafe-inline'"})(
    SpectacularSwaggerSplitView.as_view(url_name="schema")
)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", api_docs, name="docs"),
    path("api/docs", RedirectView.as_view(pattern_name="docs")),
    path("api/", include("shop.api.urls")),
    path("callbacks/", include("payments.urls")),
    path("", include("payments.health_urls")),
    path("", include("shop.urls")),
]
