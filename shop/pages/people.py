"""Signing in: who has an account finds her orders in every browser."""

from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from shop.forms import Credentials


class SignIn(LoginView):
    template_name = "shop/sign_in.html"
    authentication_form = Credentials
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return reverse("shop:orders")


class SignOut(LogoutView):
    """Only a button signs out; who comes by the address is shown it."""

    next_page = "shop:products"
    http_method_names = ("get", "head", "post", "options")

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "shop/sign_out.html")
