from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oidc_login", "0004_auth_time"),
    ]

    operations = [
        migrations.AddField(
            model_name="oauthconnection",
            name="had_azp",
            field=models.BooleanField(blank=True, editable=False, null=True),
        ),
    ]
