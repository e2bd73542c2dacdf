# fish completion for gw-pop3d
function __gw_pop3d_words
  set -l path gw-pop3d
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      set value no
      continue
    end
    switch "$path:$word"
      case 'gw-pop3d*:--vault' 'gw-pop3d*:--config' 'gw-pop3d*:--listen' 'gw-pop3d*:--host' 'gw-pop3d*:--tls-cert' 'gw-pop3d*:--tls-key' 'gw-pop3d*:--idle-timeout' 'gw-pop3d*:--max-connections' 'gw-pop3d*:--proxy-protocol' 'gw-pop3d*:--log' 'gw-pop3d*:--user' 'gw-pop3d*:--sandbox' 'gw-pop3d*:--tls'
        set value yes
        continue
      case '*:-*'
        continue
    end
    switch "$path $word"
    end
    echo $word
  end
end
complete -c gw-pop3d -s h -l help -d 'Print this help and exit'
complete -c gw-pop3d -s V -l version -d 'Print the version and exit'
complete -c gw-pop3d -s v -l verbose -d 'Log more, including addresses'
complete -c gw-pop3d -s q -l quiet -d 'Print only errors on standard error'
complete -c gw-pop3d -l vault -r -F -d 'Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)'
complete -c gw-pop3d -l config -r -F -d 'Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)'
complete -c gw-pop3d -l check-config -d 'Check settings and certificates and exit: 0 if valid'
complete -c gw-pop3d -l dump-config -d 'Print the effective settings as gw.toml and exit'
complete -c gw-pop3d -l listen -x -d 'Listen here; `,tls` for TLS from the start, :0 for any port'
complete -c gw-pop3d -l host -x -d 'Use this name in greetings (default: `host` in gw.toml)'
complete -c gw-pop3d -l tls-cert -r -F -d 'Use this certificate chain (PEM)'
complete -c gw-pop3d -l tls-key -r -F -d 'Use this private key (PEM)'
complete -c gw-pop3d -l idle-timeout -x -d 'End a session that is idle for this long (default: 10m)'
complete -c gw-pop3d -l max-connections -x -d 'Serve at most this many connections (default: 1000)'
complete -c gw-pop3d -l proxy-protocol -x -d 'Expect a PROXY header from these load balancers'
complete -c gw-pop3d -l log -x -a 'auto stderr syslog journal' -d 'Choose where log lines go (default: auto)'
complete -c gw-pop3d -l user -x -d 'Switch to this user if started by root'
complete -c gw-pop3d -l sandbox -x -a 'auto off require' -d 'Use Landlock and seccomp (default: auto, if available)'
complete -c gw-pop3d -l tls -x -a 'implicit starttls' -d 'Choose how TLS begins on descriptor 0'
complete -c gw-pop3d -l require-tls -d 'Require TLS'
complete -c gw-pop3d -l allow-plaintext-auth -d 'Accept passwords without TLS, on loopback only'
complete -c gw-pop3d -l stdio -d 'Serve one session on standard input and output'
