"""The addresses of updates on demand, with and without a slash at their end: a redirect would lose a POST."""

from django.contrib.auth import views as auth
from django.urls import path

from mediasync.ui.logins import LoginForm

from . import views

login = auth.LoginView.as_view(
    template_name="ondemand/login.html",
    next_page="front",
    authentication_form=LoginForm,
    redirect_authenticated_user=True,
)
urlpatterns = [
    path("", views.front, name="front"),
    path("home/", views.home, name="home"),
    path("home/libraries/<int:pk>/", views.press_library, name="home-library"),
    path("home/name/", views.press_name, name="home-name"),
    path("login/", login, name="login"),
    path("logout/", auth.LogoutView.as_view(next_page="login"), name="logout"),
    path("update/from_name/", views.update_from_name, name="update-from-name"),
    path("update/from_name", views.update_from_name),
    path("update/<path:section>/", views.update_section, name="update-section"),
    path("update/<path:section>", views.update_section),
]
