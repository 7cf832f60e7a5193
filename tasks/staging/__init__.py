"""Every pushed branch as an app of its own: which ones there are to be, how one comes up, and how one goes."""
