"""What other packages can use of this one; each module needs its extra."""
