"""Where load balancers and people look."""

from django.urls import path

from payments import views

urlpatterns = [
    path("livez", views.livez, name="livez"),
    path("readyz", views.readyz, name="readyz"),
]
