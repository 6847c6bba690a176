"""The shop's pages."""

from functools import partial

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from shop.chat import publish, token_for
from shop.models import Order


@require_POST
@transaction.atomic
def order(request):
    made = Order.objects.create(what=request.POST["what"])
    text = f"Order {made.pk}: {made.what}"
    transaction.on_commit(partial(publish, "orders", text, key=f"order-{made.pk}"))
    if made.what == "the moon":
        raise ValueError("we do not have that")  # rolls the order back: nobody is told
    return HttpResponse(text, status=201)


@login_required
def chat(request):
    context = {"chatroom": settings.CHATROOM_URL, "token": token_for(request.user)}
    return render(request, "chat.html", context)


@login_required
def chat_token(request):
    return HttpResponse(token_for(request.user), content_type="text/plain")
