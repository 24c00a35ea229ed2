# shellcheck shell=dash
# The two waits, both bounded. All other work is done by now.
m8_wait_for_ipv6
m8_wait_for_lease # many programs resolve a name at their start
