from django.conf import settings
from django.core.cache import cache
from django.db.models.signals import post_delete, post_save

from customers.models import CustomerProvider


def customer_providers():
    """Return the entries of the customers, as OIDC_LOGIN_PROVIDER_LOADER wants them."""
    return cache.get_or_set("customer_providers", read_customer_providers, timeout=60)


def read_customer_providers():
    return {
        provider.key: {
            "label": provider.name,
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "allowed_email_domains": [provider.email_domain],
            # A provider on your own machine has a private address.
            "refuse_private_addresses": not settings.DEBUG,
        }
        for provider in CustomerProvider.objects.all()
    }


def forget_customer_providers(**kwargs):
    cache.delete("customer_providers")


post_save.connect(forget_customer_providers, sender=CustomerProvider)
post_delete.connect(forget_customer_providers, sender=CustomerProvider)
