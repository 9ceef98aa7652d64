from django.db import models


class CustomerProvider(models.Model):
    key = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    issuer = models.URLField()
    client_id = models.CharField(max_length=200)
    client_secret = models.CharField(max_length=200)
    email_domain = models.CharField(max_length=200, help_text="A domain that the customer has proved to be theirs.")

    def __str__(self):
        return self.name
