"""Remember which rules heard of something that is wrong, so that a rule made meanwhile hears of it too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notify", "0002_administrators")]
    operations = [migrations.AddField("condition", "told_rules", models.JSONField(default=list))]
