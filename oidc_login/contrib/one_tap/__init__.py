"""Google One Tap: sign in on any page of the site without leaving it, including FedCM."""
