# fish completion for gw-export
function __gw_export_words
  set -l path gw-export
  set -l value no
  for word in (commandline -opc)
    if test $value = yes
      set value no
      continue
    end
    switch "$path:$word"
      case 'gw-export*:--vault' 'gw-export*:--config' 'gw-export*:--to' 'gw-export*:--format' 'gw-export*:--password-file' 'gw-export*:--password-fd' 'gw-export*:--since' 'gw-export*:--until' 'gw-export*:--match' 'gw-export*:--state' 'gw-export*:--envelope' 'gw-export*:--manifest' 'gw-export*:--cursor' 'gw-export*:--jobs' 'gw-export*:--rcpt' 'gw-export*:--from' 'gw-export*:--tls' 'gw-export*:--ca' 'gw-export*:--pin' 'gw-export*:--user' 'gw-export*:--user-password-file' 'gw-export*:--user-password-fd'
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
complete -c gw-export -f -a '(set -l w (__gw_export_words); test (count $w) -le 1; and gw-store mailbox list -0 2>/dev/null | string split0)'
complete -c gw-export -s h -l help -d 'Print this help and exit'
complete -c gw-export -s V -l version -d 'Print the version and exit'
complete -c gw-export -s v -l verbose -d 'Log more, including addresses'
complete -c gw-export -s q -l quiet -d 'Print only errors on standard error'
complete -c gw-export -l vault -r -F -d 'Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)'
complete -c gw-export -l config -r -F -d 'Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)'
complete -c gw-export -l to -r -F -d 'Write to this directory or file, or push to this URL'
complete -c gw-export -l format -x -a 'eml maildir mbox tar zip' -d 'Write this format (default: by the ending of PATH, else eml)'
complete -c gw-export -l password-file -r -F -d 'Read the password from the first line of FILE (- is stdin)'
complete -c gw-export -l password-fd -x -d 'Read the password from this file descriptor'
complete -c gw-export -l since -x -d 'Export only mail received at this time or later'
complete -c gw-export -l until -x -d 'Export only mail received before this time'
complete -c gw-export -l match -x -d 'Export only mail from or to ADDR or @DOMAIN (repeatable)'
complete -c gw-export -l state -x -a 'live unconfirmed drained quarantined all' -d 'Export only this state (else live and unconfirmed)'
complete -c gw-export -l unwrap -d 'Also write the mails in journal reports; push only them'
complete -c gw-export -l envelope -x -a 'none sidecar headers original' -d 'Write envelopes as files or fields; push to the original'
complete -c gw-export -l manifest -r -F -d 'List every message in FILE, as JSON lines'
complete -c gw-export -l cursor -r -F -d 'Export only mail stored since the run that wrote FILE'
complete -c gw-export -l jobs -x -d 'Write this many files, or use this many connections'
complete -c gw-export -l remove -d 'Drain messages that were written and read back, or pushed'
complete -c gw-export -l resume -d 'Continue an earlier export; compare what exists'
complete -c gw-export -l rcpt -x -d 'Push the mail to this address (repeatable)'
complete -c gw-export -l from -x -d 'Push with this envelope sender (default: none)'
complete -c gw-export -l tls -x -a 'implicit starttls none' -d 'Choose how TLS to the server begins; none: no TLS'
complete -c gw-export -l ca -r -F -d 'Trust these CA certificates (else the system'\''s)'
complete -c gw-export -l pin -x -d 'Accept only the certificate with this SHA-256'
complete -c gw-export -l user -x -d 'Log in to the server with this name'
complete -c gw-export -l user-password-file -r -F -d 'Read the password from the first line of FILE (- is stdin)'
complete -c gw-export -l user-password-fd -x -d 'Read the password from this file descriptor'
complete -c gw-export -l follow -d 'Go on pushing new mail until SIGTERM'
