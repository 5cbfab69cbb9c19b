"""Where channels call back."""

from django.urls import path

from payments import views

urlpatterns = [path("<slug:channel>/", views.callback, name="callback")]
