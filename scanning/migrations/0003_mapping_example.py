import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scanning", "0002_verify"),
    ]

    operations = [
        migrations.CreateModel(
            name="MappingExample",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(blank=True, max_length=50)),
                ("path", models.TextField()),
                ("local", models.TextField(blank=True)),
                ("expected", models.JSONField(default=dict)),
                ("saved_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("source", "path"), name="scanning_example_once"),
                ],
            },
        ),
    ]
