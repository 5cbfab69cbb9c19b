"""What is answered when nothing fits or something broke: a problem to apps, a page to people."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from shop.api import problems


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problems.bad_request(request)
    return render(request, "shop/bad_request.html", status=400)


def no_cookie(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its CSRF cookie: the browser keeps none, or has dropped it since."""
    return render(request, "shop/no_cookie.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Only of orders is said who may open them."""
    is_of_an_order = request.path.startswith("/orders/")
    context = {"is_of_an_order": is_of_an_order, "nothing_is_broken": True}
    return render(request, "shop/not_found.html", context, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problems.server_error(request)
    return render(request, "shop/server_error.html", status=500)
