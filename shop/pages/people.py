"""Signing in: who has an account finds her orders in every browser."""

from django.contrib.auth.views import LoginView
from django.urls import reverse

from shop.forms import Credentials


class SignIn(LoginView):
    template_name = "shop/sign_in.html"
    authentication_form = Credentials
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return reverse("shop:orders")
