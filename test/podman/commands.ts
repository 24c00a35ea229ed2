/** Commands as the pages of well-known images and manuals show them (some joined, some values replaced). */

export const commands: Readonly<Record<string, string>> = {
  postgres: String.raw`docker run -d \
	--name some-postgres \
	-e POSTGRES_PASSWORD=mysecretpassword \
	-e PGDATA=/var/lib/postgresql/data/pgdata \
	-v /custom/mount:/var/lib/postgresql/data \
	postgres:17 -c shared_buffers=256MB -c max_connections=200`,
  wordpress:
    `docker run --name some-wordpress --network some-network -p 8080:80 -e WORDPRESS_DB_HOST=db
    -e WORDPRESS_DB_USER=exampleuser -v wordpress:/var/www/html -d wordpress:6-apache`.replaceAll(
      "\n",
      " ",
    ),
  nginx:
    "docker run --name my-custom-nginx-container -v /host/path/nginx.conf:/etc/nginx/nginx.conf:ro -d nginx",
  "nginx, read-only":
    "docker run -d -p 80:80 --read-only -v /srv/nginx-cache:/var/cache/nginx -v /srv/nginx-pid:/var/run nginx",
  redis:
    "docker run --name some-redis -d redis:7-alpine redis-server --save 60 1 --loglevel warning",
  traefik: String.raw`docker run -d -p 8080:8080 -p 80:80 \
    -v /etc/traefik:/etc/traefik -v /var/run/docker.sock:/var/run/docker.sock:ro traefik:v3.1`,
  gitea: String.raw`docker run -d --name=gitea --restart=always -p 10022:22 -p 3000:3000 \
    -e USER_UID=1000 -e USER_GID=1000 -v /etc/localtime:/etc/localtime:ro -v ./gitea:/data docker.gitea.com/gitea:1.24`,
  nextcloud: String.raw`docker run -d --name nextcloud -p 8080:80 -v nextcloud:/var/www/html -v apps:/var/www/html/custom_apps \
    -v config:/var/www/html/config -v data:/var/www/html/data nextcloud`,
  gitlab: String.raw`sudo docker run --detach \
  --hostname gitlab.example.com \
  --env GITLAB_OMNIBUS_CONFIG="external_url 'http://gitlab.example.com'; gitlab_rails['lfs_enabled'] = true;" \
  --publish 443:443 --publish 80:80 --publish 22:22 \
  --name gitlab \
  --restart always \
  --volume /srv/gitlab/config:/etc/gitlab \
  --volume /srv/gitlab/logs:/var/log/gitlab \
  --volume /srv/gitlab/data:/var/opt/gitlab \
  --shm-size 256m \
  gitlab/gitlab-ee:17.11.1-ee.0`,
  "home assistant": String.raw`docker run -d --name homeassistant --privileged --restart=unless-stopped -e TZ=MY_TIME_ZONE \
  -v /PATH_TO_YOUR_CONFIG:/config -v /run/dbus:/run/dbus:ro --network=host ghcr.io/home-assistant/home-assistant:stable`,
  "pi-hole": String.raw`docker run --name pihole -p 53:53/tcp -p 53:53/udp -p 80:80/tcp -p 443:443/tcp -e TZ=Europe/London \
  -e FTLCONF_webserver_api_password="correct horse battery staple" -e FTLCONF_dns_listeningMode=all \
  -v ./etc-pihole:/etc/pihole -v ./etc-dnsmasq.d:/etc/dnsmasq.d --cap-add NET_ADMIN --dns=127.0.0.1 --dns=9.9.9.9 \
  --restart unless-stopped pihole/pihole:latest`,
  wireguard: String.raw`docker run -d --name=wireguard --cap-add=NET_ADMIN --cap-add=SYS_MODULE -e PUID=1000 \
  -p 51820:51820/udp -v /path/to/wireguard/config:/config -v /lib/modules:/lib/modules \
  --sysctl="net.ipv4.conf.all.src_valid_mark=1" --restart unless-stopped lscr.io/linuxserver/wireguard:latest`,
  elasticsearch: String.raw`docker run --name es01 --net elastic -p 9200:9200 -it -m 6GB --ulimit nofile=65535:65535 \
  --ulimit memlock=-1:-1 -e "discovery.type=single-node" docker.elastic.co/elasticsearch/elasticsearch:9.0.1`,
  keycloak:
    "docker run -p 127.0.0.1:8080:8080 -e KC_BOOTSTRAP_ADMIN_USERNAME=admin quay.io/keycloak/keycloak:26.2.4 start-dev",
  jellyfin: String.raw`podman run --detach --label "io.containers.autoupdate=registry" --name myjellyfin \
  --publish 8096:8096/tcp --device /dev/dri/renderD128:/dev/dri/renderD128 --rm --user 1000:1000 --userns keep-id \
  --volume jellyfin-cache:/cache:Z --volume jellyfin-config:/config:Z \
  --mount type=bind,source=/path/to/media,destination=/media,ro=true,relabel=private docker.io/jellyfin/jellyfin:latest`,
  minio: String.raw`podman run -p 9000:9000 -p 9001:9001 -v /mnt/data:/data -e MINIO_ROOT_USER=admin --secret minio_pw,type=env,target=MINIO_ROOT_PASSWORD \
  --health-cmd 'mc ready local' --health-interval=5s --health-retries 5 quay.io/minio/minio server /data --console-address ":9001"`,
  "one of everything": String.raw`podman container create --name everything --memory 512m --memory-swap 1g --cpus 1.5 \
  --cpu-shares 512 --pids-limit 100 --blkio-weight 500 -u app -w /srv/app --entrypoint '["/bin/sh","-c"]' -l a=b \
  --cap-drop ALL --cap-add chown,net_bind_service --tmpfs /scratch:rw,size=64m,mode=1777 --stop-signal SIGINT \
  --stop-timeout 30 --requires db --no-healthcheck --log-driver journald --add-host db:10.0.0.1 --init --tz local \
  --security-opt no-new-privileges --network none -p 80:80 --expose 81 -P --read-only --read-only-tmpfs=false \
  --restart on-failure:3 -v /anonymous --pull=always -dit alpine 'echo "$HOME"; sleep 1'`,
};
