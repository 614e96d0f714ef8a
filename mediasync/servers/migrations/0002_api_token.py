"""Tokens of other programs, and the permission to trigger updates."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("servers", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="library",
            options={
                "permissions": [("trigger_update", "Can trigger updates")],
                "verbose_name_plural": "libraries",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("start", models.CharField(editable=False, max_length=12)),
                ("scopes", models.JSONField(default=list)),
                ("enabled", models.BooleanField(default=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("created_by", models.CharField(blank=True, editable=False, max_length=150)),
                ("used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("used_from", models.CharField(blank=True, editable=False, max_length=100)),
            ],
            options={"verbose_name": "API token", "verbose_name_plural": "API tokens"},
        ),
    ]
