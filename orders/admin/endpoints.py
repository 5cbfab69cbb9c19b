"""Endpoints: the systems that are told what becomes of orders. Only operators configure one."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from common.admin import ReadOnlyAdmin, age_of, badge, exact_time, nowrap
from common.admin_forms import dress, typed
from orders.deliveries import resend_since
from orders.endpoints import RefusedUrl, add_endpoint, check_url, rotate_secret, set_active
from orders.models import Endpoint, Notification
from orders.states import NotificationState

SECRETS = ("secret", "former_secret")  # never read for a page


class EndpointForm(forms.Form):
    """What an endpoint needs; its secret is made by us."""

    name = forms.CharField(max_length=64, help_text="What you call the system that is told.")
    url = forms.CharField(
        label="URL",
        max_length=500,
        widget=typed("url", placeholder="https://host.example/path"),
        help_text="Where notifications are sent: HTTPS, and not inside a private network.",
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        dress(self)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Endpoint.objects.filter(name=name).exists():
            raise forms.ValidationError("There is an endpoint of this name: take another one.")
        return name

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url)
        except RefusedUrl as error:
            raise forms.ValidationError(str(error)) from None
        return url


class SinceForm(forms.Form):
    """From when on everything is sent again."""

    since = forms.DateTimeField(
        label="Since (UTC)",
        widget=typed("datetime-local"),
        help_text="What was written since then is sent again, whether it was delivered or not. "
        "The receiver knows repeats by their ids.",
        error_messages={"invalid": "Write the time like 2026-01-31T12:00, in UTC."},
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        dress(self)

    def clean_since(self) -> dt.datetime:
        since: dt.datetime = self.cleaned_data["since"]
        if since > timezone.now():
            raise forms.ValidationError("This time is yet to come: nothing was written since then.")
        return since


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin):
    page_template = "orders/admin/endpoint.html"
    list_display = ("name", "url", "standing", "age")
    list_filter = ("active",)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("orders.add_endpoint")

    def has_configure_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_endpoint")

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.resend_notification")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Endpoint]:
        rows: QuerySet[Endpoint] = super().get_queryset(request)
        return rows.defer(*SECRETS)

    @badge("State", {"on": "success", "off": "warning"})
    def standing(self, endpoint: Endpoint) -> tuple[str, str]:
        return ("on", "On") if endpoint.active else ("off", "Off")

    @admin.display(description="Age")
    def age(self, endpoint: Endpoint) -> str:
        return nowrap(age_of(endpoint.created_at))

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.own_path("rotate", require_POST(self.rotate_view)),
            self.own_path("switch", require_POST(self.switch_view)),
            self.own_path("resend", self.resend_view),
        ]
        return own + super().get_urls()  # type: ignore[no-any-return]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form, and then, this once, the secret."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EndpointForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            try:
                with transaction.atomic():
                    endpoint, secret = add_endpoint(**form.cleaned_data, now=timezone.now())
            except IntegrityError:
                form.add_error("name", "There is an endpoint of this name: take another one.")
            else:
                self.log_addition(request, endpoint, f"Added, for {endpoint.url}")
                return self._show_secret(request, endpoint.pk, secret)
        return self.form_page(
            request,
            form,
            title="Add an endpoint",
            submit="Add, and show its secret once",
            intro="It is told of everything that becomes of orders from then on.",
        )

    def rotate_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new secret, shown this once."""
        endpoint = self._to_configure(request, pk)
        secret = rotate_secret(endpoint_id=pk, now=timezone.now())
        self.log_change(request, endpoint, "Gave it a new secret.")
        return self._show_secret(request, pk, secret)

    def switch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        endpoint = self._to_configure(request, pk)
        active = request.POST.get("to") == "on"
        set_active(endpoint_id=pk, active=active, now=timezone.now())
        text = "Switched on." if active else "Switched off."
        self.log_change(request, endpoint, text)
        self.message_user(request, f"{endpoint}: {text.lower()}", messages.SUCCESS)
        return HttpResponseRedirect(self.url_of(pk))

    def resend_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_resend_permission(request):
            raise PermissionDenied
        endpoint = get_object_or_404(self.get_queryset(request), pk=pk)
        form = SinceForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            since = form.cleaned_data["since"]
            count = resend_since(endpoint_id=pk, since=since, now=timezone.now())
            text = f"{count} written since {exact_time(since)} UTC are sent again."
            self.log_change(request, endpoint, text)
            self.message_user(request, f"{endpoint}: {text}", messages.SUCCESS)
            return HttpResponseRedirect(self.url_of(pk))
        return self.form_page(
            request, form, title=f"Resend all to {endpoint.name}", submit="Send again", row=endpoint
        )

    def _to_configure(self, request: HttpRequest, pk: int) -> Endpoint:
        if not self.has_configure_permission(request):
            raise PermissionDenied
        endpoint: Endpoint = get_object_or_404(self.get_queryset(request), pk=pk)
        return endpoint

    def _show_secret(self, request: HttpRequest, pk: int, secret: str) -> HttpResponse:
        """In the answer to the one request that made it, and nowhere else."""
        endpoint = self.get_queryset(request).get(pk=pk)
        return self.render_page(request, endpoint, shown_secret=secret)

    def page(self, request: HttpRequest, row: Endpoint, now: dt.datetime) -> dict[str, Any]:
        waiting = Notification.objects.filter(endpoint=row, state=NotificationState.WAITING)
        oldest = waiting.order_by("due_at").values_list("created_at", flat=True).first()
        former = row.former_secret_until
        signs_until = exact_time(former) if former and former > now else ""
        return {
            "endpoint": row,
            "waiting_since": age_of(oldest) if oldest else "",
            "facts": [
                ("URL", row.url),
                ("Added", exact_time(row.created_at)),
                ("Former secret signs until", signs_until),
            ],
            "notifications": _list_of(row),
            "may_configure": self.has_configure_permission(request),
            "may_resend": self.has_resend_permission(request),
        }


def _list_of(endpoint: Endpoint) -> str:
    listed = reverse("admin:orders_notification_changelist")
    return f"{listed}?endpoint__id__exact={endpoint.pk}"
