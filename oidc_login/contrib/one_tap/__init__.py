"""Google One Tap: signing in on any page of the site, without leaving it (also by the browser, FedCM)."""
