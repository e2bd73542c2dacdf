# fish completion for gw-proxy
function __gw_proxy_words
  set -l path gw-proxy
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      set value no
      continue
    end
    switch "$path:$word"
      case 'gw-proxy*:--vault' 'gw-proxy*:--config' 'gw-proxy*:--listen' 'gw-proxy*:--host' 'gw-proxy*:--tls-cert' 'gw-proxy*:--tls-key' 'gw-proxy*:--idle-timeout' 'gw-proxy*:--max-connections' 'gw-proxy*:--proxy-protocol' 'gw-proxy*:--log' 'gw-proxy*:--user' 'gw-proxy*:--sandbox' 'gw-proxy*:--tls' 'gw-proxy*:--route' 'gw-proxy*:--fingerprint-key' 'gw-proxy*:--max-size'
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
complete -c gw-proxy -s h -l help -d 'Print this help and exit'
complete -c gw-proxy -s V -l version -d 'Print the version and exit'
complete -c gw-proxy -s v -l verbose -d 'Log more, including addresses'
complete -c gw-proxy -s q -l quiet -d 'Print only errors on standard error'
complete -c gw-proxy -l vault -r -F -d 'Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)'
complete -c gw-proxy -l config -r -F -d 'Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)'
complete -c gw-proxy -l check-config -d 'Check settings and certificates and exit: 0 if valid'
complete -c gw-proxy -l dump-config -d 'Print the effective settings as gw.toml and exit'
complete -c gw-proxy -l listen -x -d 'Listen here; `,tls` for TLS from the start, :0 for any port'
complete -c gw-proxy -l host -x -d 'Use this name in greetings (default: `host` in gw.toml)'
complete -c gw-proxy -l tls-cert -r -F -d 'Use this certificate chain (PEM)'
complete -c gw-proxy -l tls-key -r -F -d 'Use this private key (PEM)'
complete -c gw-proxy -l idle-timeout -x -d 'End a session that is idle for this long (default: 10m)'
complete -c gw-proxy -l max-connections -x -d 'Serve at most this many connections (default: 1000)'
complete -c gw-proxy -l proxy-protocol -x -d 'Expect a PROXY header from these load balancers'
complete -c gw-proxy -l log -x -a 'auto stderr syslog journal' -d 'Choose where log lines go (default: auto)'
complete -c gw-proxy -l user -x -d 'Switch to this user if started by root'
complete -c gw-proxy -l sandbox -x -a 'auto off require' -d 'Use Landlock and seccomp (default: auto, if available)'
complete -c gw-proxy -l tls -x -a 'implicit starttls' -d 'Choose how TLS begins on descriptor 0'
complete -c gw-proxy -l require-tls -d 'Require TLS'
complete -c gw-proxy -l allow-plaintext-auth -d 'Accept passwords without TLS, on loopback only'
complete -c gw-proxy -l stdio -d 'Serve one session on standard input and output'
complete -c gw-proxy -l route -x -d 'Serve this route if the listener names none'
complete -c gw-proxy -l fingerprint-key -r -F -d 'Recognise already copied POP3 mail with this key'
complete -c gw-proxy -l max-size -x -d 'Accept messages up to this size (default: 512MiB)'
