"""The views for browsers: pages that offer a sign-in, its beginning and its end."""
