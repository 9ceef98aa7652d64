from django.contrib import admin

from customers.models import CustomerProvider

admin.site.register(CustomerProvider)
