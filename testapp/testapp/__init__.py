"""The app that depl is tried on: small, but with everything that makes a deploy difficult."""
