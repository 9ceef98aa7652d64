# Labels only: no column changes.

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oidc_login", "0008_import_runs"),
    ]

    operations = [
        migrations.AlterField(
            model_name="oauthconnection",
            name="link_reason",
            field=models.CharField(
                choices=[
                    ("signed_up", "sign-up"),
                    ("verified_email", "verified e-mail address"),
                    ("confirmed", "sign-in to the account"),
                    ("connected", "the person, when signed in"),
                    ("hook", "the site's own rule"),
                    ("imported", "import from another package"),
                    ("operator", "an operator"),
                    ("token", "an access token"),
                    ("native", "an app"),
                ],
                max_length=20,
                verbose_name="linked by",
            ),
        ),
        migrations.AlterField(
            model_name="oauthconnection",
            name="status",
            field=models.CharField(
                choices=[("ok", "active"), ("needs_reauth", "the person must sign in again"), ("revoked", "revoked")],
                default="ok",
                max_length=20,
                verbose_name="status",
            ),
        ),
    ]
