"""Those who are asked how a canary does, beside its own statistics: error tracker and monitoring."""
