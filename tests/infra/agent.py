"""A stand-in for JetBrains' agent image, with what depl's recipe takes out of it at the same paths.

The script does what theirs is documented to do: it writes the configuration where there is none, and leaves one that
is there alone; then the agent runs, and its number is in a file.
"""

DOCKERFILE = """FROM debian:bookworm-slim
RUN mkdir --parents /opt/java/openjdk/bin /opt/buildagent/logs && touch /opt/java/openjdk/release
COPY run-agent.sh /run-agent.sh
CMD ["/run-agent.sh"]
"""

RUN_AGENT = """#!/bin/bash
set -eu
conf=/data/teamcity_agent/conf/buildAgent.properties
if [ ! -f "$conf" ]; then
    printf 'serverUrl=%s\\nname=%s\\nauthorizationToken=given-once\\n' "$SERVER_URL" "$AGENT_NAME" >"$conf"
fi
sleep infinity &
echo $! >/opt/buildagent/logs/buildAgent.pid
trap 'kill $!' TERM
wait
"""
