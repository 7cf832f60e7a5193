lock "~> 3.17"

set :application, "peer-capistrano"
set :repo_url, "git://deploy/app.git"
set :repo_tree, "testapp"
set :branch, "change"
set :deploy_to, "/srv/depl/peer-capistrano"
set :keep_releases, 3
set :format_options, log_file: nil, truncate: false

# The app server runs all the time, in a container that has the dependencies; the releases are mounted into it.
set :container, "peer-capistrano"
set :port, 8092

namespace :deploy do
  desc "New workers for gunicorn, from where `current` leads now; the old ones finish their requests"
  task :restart do
    on roles(:app) do
      execute :docker, "kill --signal=HUP #{fetch(:container)} || docker start #{fetch(:container)}"
    end
  end
  after :publishing, :restart

  desc "Make RELEASE, which is on the hosts, the current one"
  task :promote do
    set_release_path(ENV.fetch("RELEASE"))
    invoke "deploy:publishing"
  end
end

desc "Once, before the first deploy: the app server and an nginx site on a port of its own"
task :setup do
  on roles(:app) do
    execute :mkdir, "--parents", shared_path
    execute :install, "--directory", "--mode=2770", "--group=depl-app", shared_path.join("run")
    upload! "gunicorn.py", shared_path.join("gunicorn.py").to_s
    upload! StringIO.new(<<~SITE), "/srv/depl/nginx/zz-peer-capistrano.conf"
      upstream peer_capistrano {
          server unix:#{shared_path}/run/web.sock max_fails=0;
          keepalive 32;
          keepalive_timeout 30s;
      }
      server {
          listen #{fetch(:port)};
          access_log off;
          location / {
              proxy_pass http://peer_capistrano;
              proxy_http_version 1.1;
              proxy_set_header Host $host;
              proxy_set_header Connection "";
          }
      }
    SITE
    execute :sudo, "--non-interactive /usr/sbin/nginx -t"
    execute :sudo, "--non-interactive /usr/bin/systemctl reload nginx"
    # `current` leads nowhere yet: the first deploy starts the server.
    execute :docker, "create --name=#{fetch(:container)} --label=peer=capistrano --restart=unless-stopped --init",
            "--user=10001:10001 --read-only --tmpfs=/tmp --cap-drop=ALL --security-opt=no-new-privileges --memory=256m",
            "--volume=#{deploy_to}:#{deploy_to}:ro --volume=#{shared_path}/run:/run/depl",
            "deploy:5000/peer-runtime:1 python3 -m gunicorn -c #{shared_path}/gunicorn.py testapp.wsgi:app"
  end
end
