/**
 * Adds to PATH what only a login shell would: nvm, volta, fnm, mise, asdf, Homebrew, cargo, bun and ~/.local/bin, where they are. It reads
 * folders only, runs nothing of theirs, and cannot fail. Version managers come first, as they do at a login.
 */
export const searchPath = `
front() { [ ! -d "$1" ] || case :$PATH: in *":$1:"*) ;; *) PATH=$1:$PATH ;; esac; }
back() { [ ! -d "$1" ] || case :$PATH: in *":$1:"*) ;; *) PATH=$PATH:$1 ;; esac; }
for d in /opt/homebrew /home/linuxbrew/.linuxbrew "$HOME/.linuxbrew"; do back "$d/bin"; done
back /usr/local/bin
back "$HOME/bin"
front "$HOME/.local/bin"
front "\${CARGO_HOME:-$HOME/.cargo}/bin"
front "\${BUN_INSTALL:-$HOME/.bun}/bin"
front "\${ASDF_DATA_DIR:-$HOME/.asdf}/bin"
front "\${ASDF_DATA_DIR:-$HOME/.asdf}/shims"
front "\${MISE_DATA_DIR:-$HOME/.local/share/mise}/shims"
for d in "\${FNM_DIR:-$HOME/.local/share/fnm}" "$HOME/.fnm"; do front "$d/aliases/default/bin"; done
front "\${VOLTA_HOME:-$HOME/.volta}/bin"
nvm=\${NVM_DIR:-$HOME/.nvm}
if [ -d "$nvm/versions/node" ]; then
  # An alias may name another one; what is no number at the end (lts/*, node, stable) stands for the newest.
  v=default
  for d in 1 2 3 4; do
    [ -r "$nvm/alias/$v" ] || break
    read -r v <"$nvm/alias/$v" || :
  done
  v=\${v#v}
  case $v in [0-9]*) ;; *) v= ;; esac
  d=$(ls "$nvm/versions/node" | sed 's/^v//' | awk -v want="$v" 'want == "" || index($0 ".", want ".") == 1' |
    sort -t . -k 1,1n -k 2,2n -k 3,3n | tail -n 1)
  front "$nvm/versions/node/v$d/bin"
fi
export PATH
`;
