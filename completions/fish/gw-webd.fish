# fish completion for gw-webd
function __gw_webd_words
  set -l path gw-webd
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      set value no
      continue
    end
    switch "$path:$word"
      case 'gw-webd*:--vault' 'gw-webd*:--config' 'gw-webd*:--listen' 'gw-webd*:--host' 'gw-webd*:--tls-cert' 'gw-webd*:--tls-key' 'gw-webd*:--idle-timeout' 'gw-webd*:--max-connections' 'gw-webd*:--proxy-protocol' 'gw-webd*:--log' 'gw-webd*:--user' 'gw-webd*:--sandbox' 'gw-webd*:--trusted-proxy'
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
complete -c gw-webd -s h -l help -d 'Print this help and exit'
complete -c gw-webd -s V -l version -d 'Print the version and exit'
complete -c gw-webd -s v -l verbose -d 'Log more, including addresses'
complete -c gw-webd -s q -l quiet -d 'Print only errors on standard error'
complete -c gw-webd -l vault -r -F -d 'Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)'
complete -c gw-webd -l config -r -F -d 'Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)'
complete -c gw-webd -l check-config -d 'Check settings and certificates and exit: 0 if valid'
complete -c gw-webd -l dump-config -d 'Print the effective settings as gw.toml and exit'
complete -c gw-webd -l listen -x -d 'Listen here; `,tls` for TLS from the start, :0 for any port'
complete -c gw-webd -l host -x -d 'Use this name in greetings (default: `host` in gw.toml)'
complete -c gw-webd -l tls-cert -r -F -d 'Use this certificate chain (PEM)'
complete -c gw-webd -l tls-key -r -F -d 'Use this private key (PEM)'
complete -c gw-webd -l idle-timeout -x -d 'End a session that is idle for this long (default: 30s)'
complete -c gw-webd -l max-connections -x -d 'Serve at most this many connections (default: 1000)'
complete -c gw-webd -l proxy-protocol -x -d 'Expect a PROXY header from these load balancers'
complete -c gw-webd -l log -x -a 'auto stderr syslog journal' -d 'Choose where log lines go (default: auto)'
complete -c gw-webd -l user -x -d 'Switch to this user if started by root'
complete -c gw-webd -l sandbox -x -a 'auto off require' -d 'Use Landlock and seccomp (default: auto, if available)'
complete -c gw-webd -l trusted-proxy -x -d 'Trust X-Forwarded-For from these web servers'
