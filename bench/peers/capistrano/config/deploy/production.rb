server "app1", user: "depl", roles: %w[app]
server "app2", user: "depl", roles: %w[app]

# The recorded host keys are under the hosts' names alone, which SSHKit's own reader of that file doesn't accept.
set :ssh_options,
    user_known_hosts_file: "/etc/depl/known_hosts", known_hosts: Net::SSH::KnownHosts, check_host_ip: false,
    verify_host_key: :always, auth_methods: %w[publickey]
