"""Mail to the people in ADMINS when mediasync itself fails; silent while that setting names nobody."""

from django.db import migrations


def begin(apps, schema_editor):
    channel = apps.get_model("notify", "Channel").objects.create(name="Administrators", service="admins")
    rule = apps.get_model("notify", "Rule")
    rule.objects.create(name="Errors to administrators", channel=channel, events=["unhandled_error"], window=60)


class Migration(migrations.Migration):
    dependencies = [("notify", "0001_initial")]
    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
