"""Those who are told what a deploy did: error tracker, issues, chat, a webhook. None of them can fail or delay one."""
