"""The shop's pages."""

from django.urls import path

from shop import views

urlpatterns = [
    path("orders", views.order),
    path("chat", views.chat),
    path("chat-token", views.chat_token),
]
