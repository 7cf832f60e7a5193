"""Statistics of a rollout: collect on hosts, merge, judge, report."""
