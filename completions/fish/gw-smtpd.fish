# fish completion for gw-smtpd
function __gw_smtpd_words
  set -l path gw-smtpd
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      set value no
      continue
    end
    switch "$path:$word"
      case 'gw-smtpd*:--vault' 'gw-smtpd*:--config' 'gw-smtpd*:--listen' 'gw-smtpd*:--host' 'gw-smtpd*:--tls-cert' 'gw-smtpd*:--tls-key' 'gw-smtpd*:--idle-timeout' 'gw-smtpd*:--max-connections' 'gw-smtpd*:--proxy-protocol' 'gw-smtpd*:--log' 'gw-smtpd*:--user' 'gw-smtpd*:--sandbox' 'gw-smtpd*:--tls' 'gw-smtpd*:--max-size'
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
complete -c gw-smtpd -s h -l help -d 'Print this help and exit'
complete -c gw-smtpd -s V -l version -d 'Print the version and exit'
complete -c gw-smtpd -s v -l verbose -d 'Log more, including addresses'
complete -c gw-smtpd -s q -l quiet -d 'Print only errors on standard error'
complete -c gw-smtpd -l vault -r -F -d 'Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)'
complete -c gw-smtpd -l config -r -F -d 'Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)'
complete -c gw-smtpd -l check-config -d 'Check settings and certificates and exit: 0 if valid'
complete -c gw-smtpd -l dump-config -d 'Print the effective settings as gw.toml and exit'
complete -c gw-smtpd -l listen -x -d 'Listen here; `,tls` for TLS from the start, :0 for any port'
complete -c gw-smtpd -l host -x -d 'Use this name in greetings (default: `host` in gw.toml)'
complete -c gw-smtpd -l tls-cert -r -F -d 'Use this certificate chain (PEM)'
complete -c gw-smtpd -l tls-key -r -F -d 'Use this private key (PEM)'
complete -c gw-smtpd -l idle-timeout -x -d 'End a session that is idle for this long (default: 5m)'
complete -c gw-smtpd -l max-connections -x -d 'Serve at most this many connections (default: 1000)'
complete -c gw-smtpd -l proxy-protocol -x -d 'Expect a PROXY header from these load balancers'
complete -c gw-smtpd -l log -x -a 'auto stderr syslog journal' -d 'Choose where log lines go (default: auto)'
complete -c gw-smtpd -l user -x -d 'Switch to this user if started by root'
complete -c gw-smtpd -l sandbox -x -a 'auto off require' -d 'Use Landlock and seccomp (default: auto, if available)'
complete -c gw-smtpd -l tls -x -a 'implicit starttls' -d 'Choose how TLS begins on descriptor 0'
complete -c gw-smtpd -l require-tls -d 'Require TLS'
complete -c gw-smtpd -l allow-plaintext-auth -d 'Accept passwords without TLS, on loopback only'
complete -c gw-smtpd -l stdio -d 'Serve one session on standard input and output'
complete -c gw-smtpd -l max-size -x -d 'Accept messages up to this size (default: 512MiB)'
