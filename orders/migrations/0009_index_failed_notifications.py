"""What was given up is counted and listed without a look at all that was delivered."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_former_secrets"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["-id"], name="notification_failed"
            ),
        ),
    ]
