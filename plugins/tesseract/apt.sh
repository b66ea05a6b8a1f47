# Sourced by build.sh and check.sh: what is got from the distribution.

# need PACKAGE...: installs what is missing when it is root, else says what is.
need() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  if [ "$(id -u)" = 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >&2
  else
    echo "missing: ${missing[*]} (Debian and Ubuntu: sudo apt-get install ${missing[*]})" >&2
    exit 1
  fi
}

# own_apt FOLDER: prepares apt's lists of this distribution's sources and packages in FOLDER; the machine's own stay as
# they are.
own_apt() {
  APT=$1
  mkdir -p "$APT/lists/partial" "$APT/archives/partial"
  local distribution codename
  distribution=$(. /etc/os-release && echo "$ID")
  codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' | sort -u |
    while read -r uri release component; do
      case $release/$component in
        "$codename"/main | "$codename"-*/main | "$codename"/universe | "$codename"-*/universe)
          local signed="[signed-by=/usr/share/keyrings/$distribution-archive-keyring.gpg]"
          printf '%s\n' "deb $signed $uri $release $component" "deb-src $signed $uri $release $component"
          ;;
      esac
    done > "$APT/sources.list"
  [ -s "$APT/sources.list" ] || { echo "apt knows no sources of $codename" >&2; exit 1; }
  from_apt apt-get -qq update
}

# from_apt COMMAND...: apt over the lists of own_apt.
from_apt() {
  local command=$1; shift
  "$command" -o Dir::Etc::sourcelist="$APT/sources.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::State::lists="$APT/lists" -o Dir::Cache="$APT" -o Dir::Cache::archives="$APT/archives" \
    -o APT::Sandbox::User="$(id -un)" "$@"
}
