// Texts of the pages on mailboxes, and of the findings on a vault. string_table.h explains the
// columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kMailboxWords[] = {
    {"mailboxes.title", "Mailboxes", "Caselle", "Postfächer"},
    {"mailboxes.add", "New mailbox", "Nuova casella", "Neues Postfach"},
    {"mailboxes.add.do", "Create the mailbox", "Crea la casella", "Postfach anlegen"},
    {"mailboxes.count.one", "{count} mailbox.", "{count} casella.", "{count} Postfach."},
    {"mailboxes.count.many", "{count} mailboxes.", "{count} caselle.", "{count} Postfächer."},
    {"mailboxes.search", "Name or description", "Nome o descrizione", "Name oder Beschreibung"},
    {"mailboxes.none", "There is no mailbox yet.", "Non c'è ancora nessuna casella.",
     "Es gibt noch kein Postfach."},
    {"mailboxes.none-fits", "No matching mailbox.", "Nessuna casella corrispondente.",
     "Kein passendes Postfach."},

    // One mailbox: its page, and the fields of its form. `.help` is the text below a field.
    {"mailbox.name", "Name", "Nome", "Name"},
    {"mailbox.name.help", "a–z, 0–9, dot, underscore and hyphen; at most 64 characters.",
     "a–z, 0–9, punto, trattino basso e trattino; al massimo 64 caratteri.",
     "a–z, 0–9, Punkt, Unterstrich und Bindestrich; höchstens 64 Zeichen."},
    {"mailbox.description", "Description", "Descrizione", "Beschreibung"},
    {"mailbox.description.help", "For your own notes.", "Solo per le tue note.", "Nur zu Ihrer Information."},
    {"mailbox.oldest.age", "Oldest: {age}", "Il più vecchio: {age}", "Älteste: {age}"},
    {"mailbox.status", "Status", "Stato", "Status"},
    {"mailbox.waiting", "Waiting", "In attesa", "Wartend"},
    {"mailbox.size", "Size", "Dimensione", "Größe"},
    {"mailbox.oldest", "Oldest", "Più vecchio", "Älteste"},
    {"mailbox.last-delivery", "Last delivery", "Ultima consegna", "Letzte Zustellung"},
    {"mailbox.last-drain", "Last drain", "Ultimo prelievo", "Letzte Abholung"},
    {"mailbox.accepted.one", "{count} message received in total", "{count} messaggio ricevuto in totale",
     "insgesamt {count} Nachricht empfangen"},
    {"mailbox.accepted.many", "{count} messages received in total", "{count} messaggi ricevuti in totale",
     "insgesamt {count} Nachrichten empfangen"},
    {"mailbox.in-grace.one", "{count} drained message can be brought back",
     "{count} messaggio prelevato, ancora recuperabile",
     "{count} abgeholte Nachricht lässt sich zurückholen"},
    {"mailbox.in-grace.many", "{count} drained messages can be brought back",
     "{count} messaggi prelevati, ancora recuperabili",
     "{count} abgeholte Nachrichten lassen sich zurückholen"},
    {"mailbox.quarantined", "Quarantined", "In quarantena", "In Quarantäne"},
    {"mailbox.unconfirmed", "Unconfirmed", "Non confermati", "Unbestätigt"},
    {"mailbox.pending", "Pending", "In sospeso", "Ausstehend"},
    {"mailbox.about", "Settings", "Impostazioni", "Einstellungen"},
    {"mailbox.id", "ID", "ID", "ID"},
    {"mailbox.address", "Address", "Indirizzo", "Adresse"},
    {"mailbox.aliases", "Aliases", "Alias", "Alias-Adressen"},
    {"mailbox.aliases.help", "Other addresses of this mailbox, one per line. An alias can be guessed.",
     "Altri indirizzi della casella, uno per riga. Un alias si può indovinare.",
     "Weitere Adressen des Postfachs, eine je Zeile. Eine Alias-Adresse lässt sich erraten."},
    {"mailbox.domains", "Domains", "Domini", "Domains"},
    {"mailbox.domains.help", "All mail for these domains is delivered here; one per line.",
     "Tutta la posta di questi domini arriva qui; uno per riga.",
     "Alle E-Mails an diese Domains werden hierher zugestellt; eine je Zeile."},
    {"mailbox.allow", "Allowed senders", "Mittenti ammessi", "Zugelassene Absender"},
    {"mailbox.allow.help",
     "IP addresses, CIDR blocks such as 192.0.2.0/24, or microsoft365, one per line. Empty: everyone.",
     "Indirizzi IP, blocchi CIDR come 192.0.2.0/24 o microsoft365, uno per riga. Vuoto: tutti.",
     "IP-Adressen, CIDR-Blöcke wie 192.0.2.0/24 oder microsoft365, einer je Zeile. Leer: alle."},
    {"mailbox.allow.all", "everyone", "tutti", "alle"},
    {"mailbox.allow-reject", "Others are rejected permanently (5xx) instead of temporarily (4xx)",
     "Gli altri ricevono un rifiuto definitivo (5xx) invece che temporaneo (4xx)",
     "Andere werden dauerhaft (5xx) statt vorübergehend (4xx) abgewiesen"},
    {"mailbox.more", "More settings", "Altre impostazioni", "Weitere Einstellungen"},
    {"mailbox.quota", "Quota", "Quota", "Kontingent"},
    {"mailbox.quota.help", "Maximum size of waiting mail, such as 10 GiB. Empty: no limit.",
     "Dimensione massima della posta in attesa, per esempio 10 GiB. Vuoto: nessun limite.",
     "Höchstmenge wartender E-Mails, z.\u00a0B. 10 GiB. Leer: unbegrenzt."},
    {"mailbox.quota.none", "no quota", "nessuna quota", "kein Kontingent"},
    {"mailbox.quota.of", "{share} of {quota}", "{share} di {quota}", "{share} von {quota}"},
    {"mailbox.grace", "Grace period", "Periodo di recupero", "Rückholfrist"},
    {"mailbox.grace.help",
     "Days during which drained mail can be brought back. 0: it is removed immediately.",
     "Giorni entro cui la posta prelevata può essere recuperata. 0: viene eliminata subito.",
     "Tage, in denen abgeholte E-Mails zurückgeholt werden können. 0: sofortige Löschung."},
    {"mailbox.grace.none", "none: drained mail is removed immediately",
     "nessuno: la posta prelevata viene eliminata subito", "keine: Abgeholte E-Mails werden sofort gelöscht"},
    {"mailbox.receipts", "Receipts", "Prove del contenuto", "Nachweise"},
    {"mailbox.receipts.help",
     "Days during which the content of removed mail can still be proved. 0: no receipts are kept.",
     "Giorni entro cui il contenuto della posta eliminata può ancora essere provato. 0: non si conservano "
     "prove.",
     "Tage, in denen sich der Inhalt gelöschter E-Mails noch nachweisen lässt. 0: Es werden keine Nachweise "
     "aufbewahrt."},
    {"mailbox.receipts.none", "none are kept", "non si conservano", "werden nicht aufbewahrt"},
    {"mailbox.days.one", "{count}\u00a0day", "{count}\u00a0giorno", "{count}\u00a0Tag"},
    {"mailbox.days.many", "{count}\u00a0days", "{count}\u00a0giorni", "{count}\u00a0Tage"},
    {"mailbox.trace", "Trace header fields", "Intestazioni di traccia", "Trace-Kopfzeilen"},
    {"mailbox.trace.help", "Header fields that POP3 puts before a message: who it was delivered to.",
     "Intestazioni che POP3 antepone a un messaggio: a chi era destinato.",
     "Kopfzeilen, die POP3 einer Nachricht voranstellt: an wen sie ging."},
    {"mailbox.trace.auto", "only if the message was for other recipients", "solo se i destinatari sono altri",
     "nur bei Nachrichten an andere Empfänger"},
    {"mailbox.trace.on", "always, with client and time of delivery",
     "sempre, con client e ora della consegna", "immer, mit Client und Zeitpunkt der Zustellung"},
    {"mailbox.trace.off", "never", "mai", "nie"},
    {"mailbox.require-tls", "Accept mail only over TLS", "Accetta posta solo via TLS",
     "E-Mails nur über TLS annehmen"},
    {"mailbox.smtp-auth", "Senders need a token", "Token obbligatorio per i mittenti",
     "Token für Absender erforderlich"},
    {"mailbox.key", "Key", "Chiave", "Schlüssel"},
    {"mailbox.key.is", "generation {number},", "generazione {number},", "Generation {number},"},
    {"mailbox.created", "Created", "Creata", "Angelegt"},
    {"mailbox.held", "on hold", "eliminazione bloccata", "Löschsperre"},
    {"mailbox.guessable",
     "This mailbox has an address that can be guessed, and accepts mail from everyone. Enter its allowed "
     "senders.",
     "Questa casella ha un indirizzo che si può indovinare e accetta posta da tutti. Indica i mittenti "
     "ammessi.",
     "Dieses Postfach hat eine Adresse, die sich erraten lässt, und nimmt E-Mails von allen an. Tragen Sie "
     "die zugelassenen Absender ein."},

    // A new mailbox: the page with its password and sender token.
    {"mailbox.new.secrets", "New mailbox {name}: password", "Nuova casella {name}: password",
     "Neues Postfach {name}: Passwort"},
    {"notice.mailbox-made", "The mailbox is ready. Its address is shown below.",
     "La casella è pronta. Il suo indirizzo è qui sotto.",
     "Das Postfach ist bereit. Seine Adresse steht unten."},
    {"mailbox.token", "Token for senders", "Token dei mittenti", "Token für Absender"},
    {"mailbox.token.help", "Senders use it as their SMTP password; it cannot open mail.",
     "I mittenti lo usano come password SMTP; non apre la posta.",
     "Absender verwenden es als SMTP-Passwort; es öffnet keine E-Mails."},
    {"mailbox.password", "Password of the mailbox", "Password della casella", "Passwort des Postfachs"},

    // Settings for the archive that drains the mailbox and the system that sends to it.
    {"mailbox.setup", "Set-up guide", "Guida alla configurazione", "Einrichtungshilfe"},
    {"mailbox.setup.of", "Set-up guide for {name}", "Guida alla configurazione di {name}",
     "Einrichtungshilfe für {name}"},
    {"mailbox.setup.drain", "Archive that drains the mailbox", "Archivio che preleva la posta",
     "Archiv, das die E-Mails abholt"},
    {"mailbox.setup.drain.help",
     "Ready-made settings for the archive or program that fetches the mail. You only add the password.",
     "Impostazioni pronte per l'archivio o il programma che preleva la posta. Va aggiunta solo la password.",
     "Fertige Einstellungen für das Archiv oder Programm, das die E-Mails abholt. Nur das Passwort muss "
     "ergänzt werden."},
    {"mailbox.setup.sender", "System that sends the journal", "Sistema che invia il journal",
     "System, das das Journal sendet"},
    {"mailbox.setup.sender.help", "Settings for the system that sends the journal.",
     "Impostazioni per il sistema che invia il journal.",
     "Einstellungen für das System, das das Journal sendet."},

    // The settings of an existing mailbox.
    {"mailbox.settings.of", "Settings of {name}", "Impostazioni di {name}", "Einstellungen von {name}"},
    {"mailbox.suspend", "Suspend", "Sospendi", "Anhalten"},
    {"mailbox.suspend.sure",
     "Suspend this mailbox? Mail for it is then refused temporarily (4xx); senders try again later.",
     "Sospendere questa casella? La posta in arrivo verrà rifiutata temporaneamente (4xx); i mittenti "
     "riproveranno più tardi.",
     "Dieses Postfach anhalten? Neue E-Mails werden dann vorübergehend abgewiesen (4xx); die Absender "
     "versuchen es später erneut."},
    {"mailbox.resume", "Resume", "Riattiva", "Fortsetzen"},
    {"mailbox.hold", "Place on hold", "Blocca eliminazione", "Löschsperre setzen"},
    {"mailbox.release", "Remove the hold", "Rimuovi il blocco", "Löschsperre aufheben"},
    {"mailbox.release.sure",
     "Remove the hold? Drained mail whose grace period is over is then removed permanently.",
     "Rimuovere il blocco? La posta prelevata il cui periodo di recupero è scaduto sarà eliminata "
     "definitivamente.",
     "Löschsperre aufheben? Abgeholte E-Mails, deren Rückholfrist abgelaufen ist, werden dann endgültig "
     "gelöscht."},

    // Password and keys of a mailbox.
    {"mailbox.change-password", "Change the password", "Cambia la password", "Passwort ändern"},
    {"mailbox.password.of", "Password of {name}", "Password di {name}", "Passwort von {name}"},
    {"mailbox.password.about",
     "The new password opens all existing messages; none of them is changed. The archive needs the new "
     "password immediately.",
     "Con la nuova password si aprono tutti i messaggi presenti; nessun messaggio viene modificato. "
     "L'archivio ha bisogno subito della nuova password.",
     "Mit dem neuen Passwort lassen sich alle vorhandenen Nachrichten öffnen; keine wird verändert. Das "
     "Archiv benötigt das neue Passwort sofort."},
    {"mailbox.password.opens", "Current access", "Accesso attuale", "Bisheriger Zugang"},
    {"mailbox.password.old", "Current password", "Password attuale", "Aktuelles Passwort"},
    {"mailbox.password.lost", "The password is lost: use the recovery key",
     "Password perduta: usa la chiave di recupero",
     "Passwort verloren: Wiederherstellungsschlüssel verwenden"},
    {"mailbox.recovery-key", "Recovery key of the vault", "Chiave di recupero della cassaforte",
     "Wiederherstellungsschlüssel des Tresors"},
    {"mailbox.recovery-key.help",
     "The content of its file, AGE-SECRET-KEY-1…. It is used only for this change and is not stored.",
     "Il contenuto del suo file, AGE-SECRET-KEY-1…. Serve solo per questa modifica e non viene conservata.",
     "Der Inhalt der Schlüsseldatei, AGE-SECRET-KEY-1…. Der Schlüssel wird nur für diese Änderung verwendet "
     "und nicht gespeichert."},
    {"mailbox.password.new", "New password", "Nuova password", "Neues Passwort"},
    {"mailbox.password.chosen", "New password", "Nuova password", "Neues Passwort"},
    {"mailbox.password.chosen.help",
     "At least 16 characters. Empty: the password shown above, which is the better choice.",
     "Almeno 16 caratteri. Vuoto: la password mostrata sopra, che è la scelta migliore.",
     "Mindestens 16 Zeichen. Leer: das oben angezeigte Passwort, was die bessere Wahl ist."},
    {"mailbox.password.own", "Choose a password yourself", "Scegli tu una password",
     "Selbst ein Passwort wählen"},
    {"mailbox.password.again", "Repeat the new password", "Ripeti la nuova password",
     "Neues Passwort wiederholen"},
    {"mailbox.rotate", "Renew the key", "Rinnova la chiave", "Schlüssel erneuern"},
    {"mailbox.rotate.of", "Renew the key of {name}", "Rinnova la chiave di {name}",
     "Schlüssel von {name} erneuern"},
    {"mailbox.rotate.about",
     "New messages are sealed to a new key (the current one is generation {number}). Existing messages stay "
     "readable with the same password.",
     "I nuovi messaggi saranno sigillati con una nuova chiave (quella attuale è la generazione {number}). I "
     "messaggi presenti restano leggibili con la stessa password.",
     "Neue Nachrichten werden mit einem neuen Schlüssel versiegelt (der aktuelle ist Generation {number}). "
     "Vorhandene Nachrichten bleiben mit demselben Passwort lesbar."},

    // Removal of a mailbox.
    {"mailbox.remove.of", "Remove {name}", "Elimina {name}", "{name} löschen"},
    {"mailbox.remove.active", "Only a suspended mailbox can be removed. Suspend it first.",
     "Si può eliminare solo una casella sospesa. Sospendila prima.",
     "Nur ein angehaltenes Postfach kann gelöscht werden. Halten Sie es zuerst an."},
    {"mailbox.remove.held.one", "It still contains {count} message. Only an empty mailbox can be removed.",
     "Contiene ancora {count} messaggio. Si può eliminare solo una casella vuota.",
     "Es enthält noch {count} Nachricht. Nur ein leeres Postfach kann gelöscht werden."},
    {"mailbox.remove.held.many",
     "It still contains {count} messages, including those that can be brought back. Only an empty mailbox "
     "can be removed.",
     "Contiene ancora {count} messaggi, compresi quelli recuperabili. Si può eliminare solo una casella "
     "vuota.",
     "Es enthält noch {count} Nachrichten, einschließlich der zurückholbaren. Nur ein leeres Postfach kann "
     "gelöscht werden."},
    {"mailbox.remove.warning", "The mailbox, its address and its keys are removed permanently.",
     "La casella, il suo indirizzo e le sue chiavi vengono eliminati definitivamente.",
     "Das Postfach, seine Adresse und seine Schlüssel werden endgültig gelöscht."},
    {"mailbox.remove.type", "Type the name {name} to confirm", "Scrivi il nome {name} per confermare",
     "Geben Sie zur Bestätigung den Namen {name} ein"},
    {"mailbox.remove.mistyped", "The name does not match.", "Il nome non corrisponde.",
     "Der Name stimmt nicht überein."},
    {"mailbox.remove.do", "Remove permanently", "Elimina definitivamente", "Endgültig löschen"},

    // What is wrong with a field of the form; `{value}` is what the user typed.
    {"mailbox.wrong.name", "“{value}” is not a valid name.", "«{value}» non è un nome valido.",
     "„{value}“ ist kein gültiger Name."},
    {"mailbox.wrong.not-yours", "Your account may not use the name “{value}”.",
     "Il tuo account non può usare il nome «{value}».",
     "Ihr Konto darf den Namen „{value}“ nicht verwenden."},
    {"mailbox.wrong.taken", "A mailbox of this name exists already.",
     "Esiste già una casella con questo nome.", "Es gibt bereits ein Postfach mit diesem Namen."},
    {"mailbox.wrong.address-taken", "One of these addresses or domains belongs to another mailbox.",
     "Uno di questi indirizzi o domini appartiene a un'altra casella.",
     "Eine dieser Adressen oder Domains gehört zu einem anderen Postfach."},
    {"mailbox.wrong.description", "At most 1024 bytes on one line.", "Al massimo 1024 byte su una riga.",
     "Höchstens 1024 Bytes in einer Zeile."},
    {"mailbox.wrong.aliases", "“{value}” is not a valid address.", "«{value}» non è un indirizzo valido.",
     "„{value}“ ist keine gültige Adresse."},
    {"mailbox.wrong.domains", "“{value}” is not a valid domain.", "«{value}» non è un dominio valido.",
     "„{value}“ ist keine gültige Domain."},
    {"mailbox.wrong.allow", "“{value}” is not an IP address or CIDR block.",
     "«{value}» non è un indirizzo IP né un blocco CIDR.",
     "„{value}“ ist weder eine IP-Adresse noch ein CIDR-Block."},
    {"mailbox.wrong.many", "At most 1000 entries.", "Al massimo 1000 voci.", "Höchstens 1000 Einträge."},
    {"mailbox.wrong.quota", "“{value}” is not a valid size.", "«{value}» non è una dimensione valida.",
     "„{value}“ ist keine gültige Größe."},
    {"mailbox.wrong.grace", "From 0 to 3650 days.", "Da 0 a 3650 giorni.", "0 bis 3650 Tage."},
    {"mailbox.wrong.receipts", "From 0 to 3650 days.", "Da 0 a 3650 giorni.", "0 bis 3650 Tage."},
    {"mailbox.wrong.password", "The password is wrong.", "La password non è corretta.",
     "Das Passwort ist falsch."},
    {"mailbox.wrong.recovery", "The recovery key is wrong.", "La chiave di recupero non è corretta.",
     "Der Wiederherstellungsschlüssel ist falsch."},
    {"mailbox.wrong.no-recovery", "This mailbox has no recovery key.",
     "Questa casella non ha una chiave di recupero.",
     "Dieses Postfach hat keinen Wiederherstellungsschlüssel."},
    {"mailbox.wrong.weak", "At least 16 characters, without control characters.",
     "Almeno 16 caratteri, senza caratteri di controllo.", "Mindestens 16 Zeichen, keine Steuerzeichen."},
    {"mailbox.wrong.again", "The two passwords do not match.", "Le due password non coincidono.",
     "Die beiden Passwörter stimmen nicht überein."},

    // Notices after a change (layout.h).
    {"notice.password", "The password was changed.", "La password è stata cambiata.",
     "Das Passwort wurde geändert."},
    {"notice.rotated", "New messages are sealed to the new key.",
     "I nuovi messaggi vengono sigillati con la nuova chiave.",
     "Neue Nachrichten werden mit dem neuen Schlüssel versiegelt."},

    // Findings, one text per vault::Cause. diagnoses.cc lists the placeholders.
    {"diagnosis.read-only",
     "The vault is read-only: {detail}. Export its content before you do anything else.",
     "La cassaforte è in sola lettura: {detail}. Prima di tutto esporta il suo contenuto.",
     "Der Tresor ist schreibgeschützt: {detail}. Exportieren Sie zuerst seinen Inhalt."},
    {"diagnosis.disk-full",
     "The disk is full ({size} free): new mail is refused temporarily. Free some space.",
     "Il disco è pieno (spazio libero: {size}): la nuova posta viene rifiutata temporaneamente. Libera "
     "spazio.",
     "Der Datenträger ist voll ({size} frei): Neue Nachrichten werden vorübergehend abgewiesen. Schaffen Sie "
     "Platz."},
    {"diagnosis.little-room", "Only {size} of disk space is free. Free some space, or let the archive drain.",
     "Sul disco restano solo {size} liberi. Libera spazio, oppure fai prelevare la posta dall'archivio.",
     "Auf dem Datenträger sind nur noch {size} frei. Schaffen Sie Platz, oder lassen Sie das Archiv "
     "abholen."},
    {"diagnosis.clock", "The history is {span} ahead of the clock. Set the clock of this host.",
     "La cronologia è avanti di {span} rispetto all'orologio. Regola l'orologio di questo host.",
     "Der Verlauf ist der Uhr um {span} voraus. Stellen Sie die Uhr dieses Servers."},
    {"diagnosis.weak-passwords",
     "The passwords of this vault are weakly protected; such a vault is for tests only.",
     "Le password di questa cassaforte hanno una protezione debole, adatta solo alle prove.",
     "Die Passwörter dieses Tresors sind nur schwach geschützt; ein solcher Tresor eignet sich nur für "
     "Tests."},
    {"diagnosis.no-recovery",
     "There is no recovery key: if a password is lost, its mail is lost. Only a new vault can have one: run "
     "gw-store init.",
     "Non c'è una chiave di recupero: se si perde una password, si perde la posta. Solo una nuova cassaforte "
     "può averne una: esegui gw-store init.",
     "Es gibt keinen Wiederherstellungsschlüssel: Geht ein Passwort verloren, sind auch die E-Mails "
     "verloren. Nur ein neuer Tresor kann einen haben: Führen Sie gw-store init aus."},
    {"diagnosis.no-backup", "This vault has never been backed up. Run: gw-store backup",
     "Di questa cassaforte non è mai stato fatto un backup. Comando: gw-store backup",
     "Von diesem Tresor gibt es noch keine Sicherung. Befehl: gw-store backup"},
    {"diagnosis.old-backup", "The last backup is from {time}. Run: gw-store backup",
     "L'ultimo backup è del {time}. Comando: gw-store backup",
     "Die letzte Sicherung ist vom {time}. Befehl: gw-store backup"},
    {"diagnosis.no-verify", "The content of this vault has never been verified. Run: gw-store verify",
     "Non è mai stato verificato se il contenuto della cassaforte è integro. Comando: gw-store verify",
     "Es wurde noch nie geprüft, ob der Inhalt des Tresors unversehrt ist. Befehl: gw-store verify"},
    {"diagnosis.old-verify", "The content of this vault was last verified at {time}. Run: gw-store verify",
     "L'integrità del contenuto è stata verificata l'ultima volta il {time}. Comando: gw-store verify",
     "Ob der Inhalt unversehrt ist, wurde zuletzt am {time} geprüft. Befehl: gw-store verify"},
    {"diagnosis.findings.one", "The verification at {time} found {count} anomaly. Run: gw-store verify",
     "La verifica del {time} ha trovato {count} anomalia. Comando: gw-store verify",
     "Die Prüfung am {time} fand {count} Auffälligkeit. Befehl: gw-store verify"},
    {"diagnosis.findings.many", "The verification at {time} found {count} anomalies. Run: gw-store verify",
     "La verifica del {time} ha trovato {count} anomalie. Comando: gw-store verify",
     "Die Prüfung am {time} fand {count} Auffälligkeiten. Befehl: gw-store verify"},
    {"diagnosis.refused.one",
     "At least {count} connection was rejected permanently in the last week, with {code} at {time} "
     "({detail}). The rejected mail may be lost; the log of gw-smtpd has the cause.",
     "Nell'ultima settimana almeno {count} connessione è stata rifiutata definitivamente, con {code} il "
     "{time} ({detail}). I messaggi rifiutati potrebbero essere persi; la causa è nel registro di gw-smtpd.",
     "In der letzten Woche wurde mindestens {count} Verbindung endgültig abgewiesen, mit {code} am {time} "
     "({detail}). Die abgewiesenen Nachrichten sind möglicherweise verloren; die Ursache steht im Protokoll "
     "von gw-smtpd."},
    {"diagnosis.refused.many",
     "At least {count} connections were rejected permanently in the last week, the last one with {code} at "
     "{time} ({detail}). The rejected mail may be lost; the log of gw-smtpd has the cause.",
     "Nell'ultima settimana almeno {count} connessioni sono state rifiutate definitivamente, l'ultima con "
     "{code} il {time} ({detail}). I messaggi rifiutati potrebbero essere persi; la causa è nel registro di "
     "gw-smtpd.",
     "In der letzten Woche wurden mindestens {count} Verbindungen endgültig abgewiesen, die letzte mit "
     "{code} am {time} ({detail}). Die abgewiesenen Nachrichten sind möglicherweise verloren; die Ursache "
     "steht im Protokoll von gw-smtpd."},
    {"diagnosis.drain-broken.one",
     "{count} drain broke off at message {detail}. The archive cannot process it: download it, then "
     "quarantine it.",
     "{count} prelievo si è interrotto sul messaggio {detail}. L'archivio non riesce a elaborarlo: "
     "scaricalo, poi mettilo in quarantena.",
     "{count} Abholung ist bei der Nachricht {detail} abgebrochen. Das Archiv kann sie nicht verarbeiten: "
     "Laden Sie sie herunter und verschieben Sie sie dann in Quarantäne."},
    {"diagnosis.drain-broken.many",
     "{count} drains broke off at message {detail}. The archive cannot process it: download it, then "
     "quarantine it.",
     "{count} prelievi si sono interrotti sul messaggio {detail}. L'archivio non riesce a elaborarlo: "
     "scaricalo, poi mettilo in quarantena.",
     "{count} Abholungen sind bei der Nachricht {detail} abgebrochen. Das Archiv kann sie nicht verarbeiten: "
     "Laden Sie sie herunter und verschieben Sie sie dann in Quarantäne."},
    {"diagnosis.unfetched.one",
     "{count} message has been waiting for {age}; the last drain was at {time}. Check that the archive still "
     "fetches mail.",
     "{count} messaggio è in attesa da {age}; l'ultimo prelievo è del {time}. Verifica che l'archivio "
     "prelevi ancora.",
     "{count} Nachricht wartet seit {age}; die letzte Abholung war am {time}. Prüfen Sie, ob das Archiv noch "
     "abholt."},
    {"diagnosis.unfetched.many",
     "{count} messages are waiting, the oldest for {age}; the last drain was at {time}. Check that the "
     "archive still fetches mail.",
     "{count} messaggi sono in attesa, il più vecchio da {age}; l'ultimo prelievo è del {time}. Verifica che "
     "l'archivio prelevi ancora.",
     "{count} Nachrichten warten, die älteste seit {age}; die letzte Abholung war am {time}. Prüfen Sie, ob "
     "das Archiv noch abholt."},
    {"diagnosis.never-drained.one",
     "{count} message has been waiting for {age}; the mailbox has never been drained. Set up the archive.",
     "{count} messaggio è in attesa da {age}; nulla è mai stato prelevato. Configura l'archivio.",
     "{count} Nachricht wartet seit {age}; es wurde noch nie etwas abgeholt. Richten Sie das Archiv ein."},
    {"diagnosis.never-drained.many",
     "{count} messages are waiting, the oldest for {age}; the mailbox has never been drained. Set up the "
     "archive.",
     "{count} messaggi sono in attesa, il più vecchio da {age}; nulla è mai stato prelevato. Configura "
     "l'archivio.",
     "{count} Nachrichten warten, die älteste seit {age}; es wurde noch nie etwas abgeholt. Richten Sie das "
     "Archiv ein."},
    {"diagnosis.silence",
     "No mail has arrived for {age}. Check that the journal rule still points to this mailbox.",
     "Non arriva posta da {age}. Verifica che la regola del journal punti ancora a questa casella.",
     "Seit {age} sind keine E-Mails eingegangen. Prüfen Sie, ob die Journalregel noch auf dieses Postfach "
     "zeigt."},
    {"diagnosis.never-delivered", "No mail has ever arrived. Set up the system that sends the journal.",
     "Non è mai arrivata posta. Configura il sistema che invia il journal.",
     "Es sind noch nie E-Mails eingegangen. Richten Sie das System ein, das das Journal sendet."},
    {"diagnosis.quota",
     "{size} of {limit} is used. Once the quota is reached, new mail is refused temporarily. Let the archive "
     "drain, or raise the quota.",
     "{size} su {limit} in uso. Raggiunta la quota, la nuova posta viene rifiutata temporaneamente. Fai "
     "prelevare la posta dall'archivio, oppure aumenta la quota.",
     "{size} von {limit} sind belegt. Ist das Kontingent erreicht, werden neue Nachrichten vorübergehend "
     "abgewiesen. Lassen Sie das Archiv abholen, oder erhöhen Sie das Kontingent."},
    {"diagnosis.quarantined", "Quarantined messages: {count}. Restore or remove them.",
     "Messaggi in quarantena: {count}. Recuperali o eliminali.",
     "Nachrichten in Quarantäne: {count}. Holen Sie sie zurück, oder löschen Sie sie."},
    {"diagnosis.unconfirmed", "Copies of mail that the provider may not have accepted: {count}.",
     "Copie di messaggi che il provider forse non ha accettato: {count}.",
     "Kopien von Nachrichten, die der Anbieter möglicherweise nicht angenommen hat: {count}."},
    {"diagnosis.suspended", "Suspended: new mail is refused temporarily. Resume the mailbox to accept it.",
     "Sospesa: la nuova posta viene rifiutata temporaneamente. Riattiva la casella per accettarla.",
     "Angehalten: Neue Nachrichten werden vorübergehend abgewiesen. Setzen Sie das Postfach fort, um sie "
     "anzunehmen."},
};

}  // namespace gw::web
