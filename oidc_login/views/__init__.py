"""The entrances of a browser: pages that offer a sign-in, its beginning and its end."""
