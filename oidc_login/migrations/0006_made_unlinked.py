from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oidc_login", "0005_had_azp"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthconnection",
            name="made_unlinked",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
