#!/bin/sh
# Makes a folder that runs by itself: the packages as they are published, and what they need in the versions of
# package-lock.json. The Dockerfile runs this, and so may whoever installs without a container.
#
#   sh deploy/make-app.sh /opt/eet     then: node /opt/eet/node_modules/@eet/cli/dist/main.js serve
set -eu
app=${1:?name the folder to make}
root=$(cd "$(dirname "$0")/.." && pwd)
if [ -e "$app" ] && [ -n "$(ls -A "$app")" ]; then
  echo "make-app: $app is not empty" >&2
  exit 1
fi
mkdir -p "$app"
app=$(cd "$app" && pwd)
packed=$(mktemp -d)
trap 'rm -rf "$packed"' EXIT

cd "$root"
npm run --silent pack:all -- "$packed" >/dev/null

# Workspaces by their manifests alone: what is installed is what they depend on.
cp package.json package-lock.json .npmrc "$app"
for manifest in packages/*/package.json; do
  mkdir -p "$app/$(dirname "$manifest")"
  cp "$manifest" "$app/$manifest"
done
cd "$app"
npm ci --workspace @eet/cli --omit=dev --omit=optional --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error

for name in protocol audio client server cli; do
  rm -f "node_modules/@eet/$name"
  mkdir -p "node_modules/@eet/$name"
  tar -xzf "$packed"/eet-"$name"-*.tgz -C "node_modules/@eet/$name" --strip-components=1
  if [ -d "packages/$name/node_modules" ]; then mv "packages/$name/node_modules" "node_modules/@eet/$name/"; fi
done
rm -rf packages package.json package-lock.json .npmrc node_modules/@eet/dashboard node_modules/.package-lock.json
