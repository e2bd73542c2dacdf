// Texts of the pages on mailboxes, and of the findings on a vault. word_table.h explains the
// columns, ids and placeholders.
#pragma once

#include "web/strings/string_table.h"

namespace gw::web {

inline constexpr Word kMailboxWords[] = {
    {"mailboxes.title", "Mailboxes", "Caselle", "Postfächer"},
    {"mailboxes.add", "New mailbox", "Nuova casella", "Neues Postfach"},
    {"mailboxes.add.do", "Create the mailbox", "Crea la casella", "Postfach anlegen"},
    {"mailboxes.search", "Name or description", "Nome o descrizione", "Name oder Beschreibung"},
    {"mailboxes.none", "There is no mailbox yet.", "Non c'è ancora nessuna casella.",
     "Es gibt noch kein Postfach."},
    {"mailboxes.none-fits", "No mailbox fits.", "Nessuna casella corrisponde.", "Kein Postfach passt dazu."},

    // One mailbox: its page, and the fields of its form. `.help` is the text below a field.
    {"mailbox.name", "Name", "Nome", "Name"},
    {"mailbox.name.help", "a–z, 0–9, dot, underscore and hyphen; at most 64.",
     "a–z, 0–9, punto, trattino basso e trattino; al massimo 64 caratteri.",
     "a–z, 0–9, Punkt, Unterstrich und Bindestrich; höchstens 64 Zeichen."},
    {"mailbox.description", "Description", "Descrizione", "Beschreibung"},
    {"mailbox.description.help", "Free text for people.", "Testo libero, per chi legge.",
     "Freier Text für Menschen."},
    {"mailbox.status", "Status", "Stato", "Status"},
    {"mailbox.waiting", "Waiting", "In attesa", "Wartend"},
    {"mailbox.size", "Size", "Dimensione", "Größe"},
    {"mailbox.oldest", "Oldest", "Più vecchio", "Älteste"},
    {"mailbox.last-delivery", "Last delivery", "Ultima consegna", "Letzte Zustellung"},
    {"mailbox.last-drain", "Last drain", "Ultimo prelievo", "Letzte Abholung"},
    {"mailbox.accepted.one", "{count} message accepted ever", "{count} messaggio accettato in totale",
     "{count} Nachricht insgesamt angenommen"},
    {"mailbox.accepted.many", "{count} messages accepted ever", "{count} messaggi accettati in totale",
     "{count} Nachrichten insgesamt angenommen"},
    {"mailbox.in-grace.one", "{count} drained can be brought back", "{count} prelevato, ancora recuperabile",
     "{count} abgeholte lässt sich zurückholen"},
    {"mailbox.in-grace.many", "{count} drained can be brought back", "{count} prelevati, ancora recuperabili",
     "{count} abgeholte lassen sich zurückholen"},
    {"mailbox.about", "Settings", "Impostazioni", "Einstellungen"},
    {"mailbox.id", "Id", "Id", "ID"},
    {"mailbox.address", "Address", "Indirizzo", "Adresse"},
    {"mailbox.address.help",
     "Journal mail goes here. Only who knows this address can send to it: give it to nobody else.",
     "Qui arriva la posta di journaling. Solo chi conosce questo indirizzo può scrivergli: non darlo ad "
     "altri.",
     "Hierhin geht die Journalpost. Nur wer diese Adresse kennt, kann an sie senden: Geben Sie sie sonst "
     "niemandem."},
    {"mailbox.aliases", "Aliases", "Alias", "Alias-Adressen"},
    {"mailbox.aliases.help", "Other addresses of it, one on a line. An alias can be guessed.",
     "Altri indirizzi della casella, uno per riga. Un alias si può indovinare.",
     "Weitere Adressen, eine je Zeile. Ein Alias lässt sich erraten."},
    {"mailbox.domains", "Domains", "Domini", "Domänen"},
    {"mailbox.domains.help", "All mail of these domains comes here, one on a line.",
     "Tutta la posta di questi domini arriva qui, uno per riga.",
     "Alle Post dieser Domänen kommt hierher, eine je Zeile."},
    {"mailbox.allow", "Allowed senders", "Mittenti ammessi", "Zugelassene Absender"},
    {"mailbox.allow.help", "Addresses or blocks such as 192.0.2.0/24, one on a line. Empty: everybody.",
     "Indirizzi o blocchi come 192.0.2.0/24, uno per riga. Vuoto: tutti.",
     "Adressen oder Blöcke wie 192.0.2.0/24, eine je Zeile. Leer: alle."},
    {"mailbox.allow.all", "everybody", "tutti", "alle"},
    {"mailbox.allow-reject", "Others are refused for good, instead of being asked to come again",
     "Gli altri vengono rifiutati definitivamente, invece di essere invitati a riprovare",
     "Andere werden endgültig abgewiesen, statt es später erneut versuchen zu dürfen"},
    {"mailbox.quota", "Quota", "Quota", "Kontingent"},
    {"mailbox.quota.help", "Most that may wait here, such as 10 GiB. Empty: no limit.",
     "Quanto può restare in attesa qui, per esempio 10 GiB. Vuoto: nessun limite.",
     "Was hier höchstens warten darf, etwa 10 GiB. Leer: keine Grenze."},
    {"mailbox.quota.none", "no quota", "nessuna quota", "kein Kontingent"},
    {"mailbox.quota.of", "{share} of {quota}", "{share} di {quota}", "{share} von {quota}"},
    {"mailbox.quota.limit", "of {quota}", "di {quota}", "von {quota}"},
    {"mailbox.grace", "Grace time", "Periodo di recupero", "Schonfrist"},
    {"mailbox.grace.help", "Days for which drained mail can be brought back. 0: it is gone at once.",
     "Giorni entro cui la posta prelevata può essere recuperata. 0: sparisce subito.",
     "Tage, in denen abgeholte Post zurückgeholt werden kann. 0: Sie ist sofort weg."},
    {"mailbox.grace.none", "none: drained mail is gone at once",
     "nessuno: la posta prelevata sparisce subito", "keine: abgeholte Post ist sofort weg"},
    {"mailbox.receipts", "Receipts", "Ricevute", "Belege"},
    {"mailbox.receipts.help",
     "Days for which the content of swept mail can still be proved. 0: none are kept.",
     "Giorni entro cui il contenuto della posta eliminata può ancora essere provato. 0: non se ne "
     "conservano.",
     "Tage, in denen der Inhalt gelöschter Post noch beweisbar ist. 0: Es werden keine aufgehoben."},
    {"mailbox.receipts.none", "none are kept", "non se ne conservano", "es werden keine aufgehoben"},
    {"mailbox.days.one", "{count} day", "{count} giorno", "{count} Tag"},
    {"mailbox.days.many", "{count} days", "{count} giorni", "{count} Tage"},
    {"mailbox.trace", "Trace lines", "Righe di traccia", "Trace-Zeilen"},
    {"mailbox.trace.help", "What POP3 puts in front of a mail: to whom it went.",
     "Ciò che POP3 antepone a un messaggio: a chi era destinato.",
     "Was POP3 einer Nachricht voranstellt: an wen sie ging."},
    {"mailbox.trace.auto", "where the mail was for others", "quando la posta era per altri",
     "wo die Post für andere war"},
    {"mailbox.trace.on", "always, with how it came", "sempre, con il percorso seguito",
     "immer, mit ihrem Weg hierher"},
    {"mailbox.trace.off", "never", "mai", "nie"},
    {"mailbox.require-tls", "Mail only over TLS", "Posta solo via TLS", "Post nur über TLS"},
    {"mailbox.smtp-auth", "Senders need a token", "I mittenti devono avere un token",
     "Absender brauchen ein Token"},
    {"mailbox.key", "Key", "Chiave", "Schlüssel"},
    {"mailbox.key.is", "generation {number},", "generazione {number},", "Generation {number},"},
    {"mailbox.created", "Made", "Creata", "Angelegt"},
    {"mailbox.held", "held", "in conservazione", "in Aufbewahrung"},
    {"mailbox.guessable",
     "This mailbox has an address that can be guessed, and takes mail from everybody. Name the allowed "
     "senders.",
     "Questa casella ha un indirizzo che si può indovinare e accetta posta da tutti. Indica i mittenti "
     "ammessi.",
     "Dieses Postfach hat eine Adresse, die sich erraten lässt, und nimmt Post von allen an. Nennen Sie die "
     "zugelassenen Absender."},

    // A new mailbox: the page with its password and sender token.
    {"mailbox.new.secrets", "New mailbox {name}: what opens it", "Nuova casella {name}: cosa la apre",
     "Neues Postfach {name}: was es öffnet"},
    {"notice.mailbox-made", "The mailbox is ready. Its address stands below.",
     "La casella è pronta. Il suo indirizzo è qui sotto.",
     "Das Postfach ist bereit. Seine Adresse steht unten."},
    {"mailbox.token", "Token of its senders", "Token dei mittenti", "Token der Absender"},
    {"mailbox.token.help", "A sender gives it as the password of SMTP; it opens no mail.",
     "Il mittente lo usa come password SMTP; non apre la posta.",
     "Ein Absender gibt es als SMTP-Passwort an; es öffnet keine Post."},
    {"mailbox.password", "Password of the mailbox", "Password della casella", "Passwort des Postfachs"},

    // Settings for the archive that drains the mailbox and the system that sends to it.
    {"mailbox.setup", "Set up", "Configurazione", "Einrichten"},
    {"mailbox.setup.of", "Set up {name}", "Configurare {name}", "{name} einrichten"},
    {"mailbox.setup.drain", "Where the mail goes", "Dove va la posta", "Wohin die Post geht"},
    {"mailbox.setup.drain.help",
     "Ready settings for the archive or program that fetches the mail. The password is to be put in by you.",
     "Impostazioni pronte per l'archivio o il programma che preleva la posta. La password va inserita da te.",
     "Fertige Einstellungen für das Archiv oder Programm, das die Post abholt. Das Passwort tragen Sie "
     "selbst ein."},
    {"mailbox.setup.sender", "Where the mail comes from", "Da dove viene la posta", "Woher die Post kommt"},
    {"mailbox.setup.sender.help", "What to set at the source of the journal.",
     "Cosa impostare all'origine del journal.", "Was an der Quelle des Journals einzustellen ist."},

    // The settings of an existing mailbox.
    {"mailbox.settings.of", "Settings of {name}", "Impostazioni di {name}", "Einstellungen von {name}"},
    {"mailbox.suspend", "Suspend", "Sospendi", "Anhalten"},
    {"mailbox.suspend.sure", "Suspend this mailbox? Senders are then asked to come again later.",
     "Sospendere questa casella? I mittenti saranno invitati a riprovare più tardi.",
     "Dieses Postfach anhalten? Absender werden dann gebeten, es später erneut zu versuchen."},
    {"mailbox.resume", "Resume", "Riattiva", "Fortsetzen"},
    {"mailbox.hold", "Hold", "Metti in conservazione", "Aufbewahren"},
    {"mailbox.release", "End the hold", "Termina la conservazione", "Aufbewahrung beenden"},
    {"mailbox.release.sure", "End the hold? Drained mail whose grace time is over is then removed for good.",
     "Terminare la conservazione? La posta prelevata il cui periodo di recupero è scaduto sarà eliminata "
     "definitivamente.",
     "Aufbewahrung beenden? Abgeholte Post, deren Frist um ist, wird dann endgültig entfernt."},

    // Password and keys of a mailbox.
    {"mailbox.change-password", "Change the password", "Cambia la password", "Passwort ändern"},
    {"mailbox.password.of", "Password of {name}", "Password di {name}", "Passwort von {name}"},
    {"mailbox.password.about",
     "The new password opens all mail that is here; no message is touched. What fetches the mail needs it at "
     "once.",
     "La nuova password apre tutta la posta presente; nessun messaggio viene toccato. Chi preleva la posta "
     "ne ha "
     "bisogno subito.",
     "Das neue Passwort öffnet alle Post, die hier liegt; keine Nachricht wird angerührt. Was die Post "
     "abholt, "
     "braucht es sofort."},
    {"mailbox.password.opens", "What opens the mailbox now", "Cosa apre la casella ora",
     "Was das Postfach jetzt öffnet"},
    {"mailbox.password.old", "Present password", "Password attuale", "Jetziges Passwort"},
    {"mailbox.password.lost", "The password is lost: use the recovery key",
     "La password è persa: usa la chiave di recupero",
     "Das Passwort ist verloren: den Wiederherstellungsschlüssel verwenden"},
    {"mailbox.recovery-key", "Recovery key of the vault", "Chiave di recupero della cassaforte",
     "Wiederherstellungsschlüssel des Tresors"},
    {"mailbox.recovery-key.help",
     "The content of its file, AGE-SECRET-KEY-1…. It is used for this change and kept nowhere.",
     "Il contenuto del suo file, AGE-SECRET-KEY-1…. Serve solo per questo cambio e non viene conservata.",
     "Der Inhalt seiner Datei, AGE-SECRET-KEY-1…. Er dient nur dieser Änderung und wird nirgends "
     "aufbewahrt."},
    {"mailbox.password.new", "The new password", "La nuova password", "Das neue Passwort"},
    {"mailbox.password.chosen", "New password", "Nuova password", "Neues Passwort"},
    {"mailbox.password.chosen.help",
     "At least 16 characters. Empty: the one that is shown above, which is better.",
     "Almeno 16 caratteri. Vuoto: quella mostrata sopra; è la scelta migliore.",
     "Mindestens 16 Zeichen. Leer: das oben angezeigte, was besser ist."},
    {"mailbox.password.own", "Choose another one yourself", "Scegline un'altra tu", "Selbst eines wählen"},
    {"mailbox.password.again", "The new one again", "Ripeti la nuova", "Das neue noch einmal"},
    {"mailbox.rotate", "New key", "Nuova chiave", "Neuer Schlüssel"},
    {"mailbox.rotate.of", "New key for {name}", "Nuova chiave per {name}", "Neuer Schlüssel für {name}"},
    {"mailbox.rotate.about",
     "New mail is sealed to a new key (now it is generation {number}). Mail that is here stays readable with "
     "the "
     "same password.",
     "La nuova posta sarà sigillata con una nuova chiave (ora è la generazione {number}). Quella presente "
     "resta "
     "leggibile con la stessa password.",
     "Neue Post wird mit einem neuen Schlüssel versiegelt (jetzt ist es Generation {number}). Was hier "
     "liegt, "
     "bleibt mit demselben Passwort lesbar."},

    // Removal of a mailbox.
    {"mailbox.remove.of", "Remove {name}", "Elimina {name}", "{name} entfernen"},
    {"mailbox.remove.active", "Only a suspended mailbox can be removed. Suspend it first.",
     "Si può eliminare solo una casella sospesa. Sospendila prima.",
     "Nur ein angehaltenes Postfach kann entfernt werden. Halten Sie es zuerst an."},
    {"mailbox.remove.held.one", "It still holds {count} message. Only an empty mailbox can be removed.",
     "Contiene ancora {count} messaggio. Si può eliminare solo una casella vuota.",
     "Es enthält noch {count} Nachricht. Nur ein leeres Postfach kann entfernt werden."},
    {"mailbox.remove.held.many",
     "It still holds {count} messages, those that can be brought back among them. Only an empty mailbox can "
     "be "
     "removed.",
     "Contiene ancora {count} messaggi, compresi quelli recuperabili. Si può eliminare solo una casella "
     "vuota.",
     "Es enthält noch {count} Nachrichten, die zurückholbaren mitgezählt. Nur ein leeres Postfach kann "
     "entfernt "
     "werden."},
    {"mailbox.remove.warning", "The mailbox, its address and its keys go for good.",
     "La casella, il suo indirizzo e le sue chiavi spariscono per sempre.",
     "Das Postfach, seine Adresse und seine Schlüssel verschwinden endgültig."},
    {"mailbox.remove.type", "Type the name {name} to confirm", "Scrivi il nome {name} per confermare",
     "Geben Sie zur Bestätigung den Namen {name} ein"},
    {"mailbox.remove.mistyped", "That is not its name.", "Non è il suo nome.", "Das ist nicht sein Name."},
    {"mailbox.remove.do", "Remove it for good", "Elimina definitivamente", "Endgültig entfernen"},

    // What is wrong with a field of the form; `{value}` is what the user typed.
    {"mailbox.wrong.name", "“{value}” cannot be a name.", "«{value}» non può essere un nome.",
     "„{value}“ kann kein Name sein."},
    {"mailbox.wrong.not-yours", "Your account may not use the name “{value}”.",
     "Il tuo account non può usare il nome «{value}».",
     "Ihr Konto darf den Namen „{value}“ nicht verwenden."},
    {"mailbox.wrong.taken", "There is a mailbox of this name.", "Esiste già una casella con questo nome.",
     "Es gibt schon ein Postfach dieses Namens."},
    {"mailbox.wrong.address-taken", "Another mailbox has one of these addresses or domains.",
     "Un'altra casella ha uno di questi indirizzi o domini.",
     "Ein anderes Postfach hat eine dieser Adressen oder Domänen."},
    {"mailbox.wrong.description", "At most 1024 octets on one line.", "Al massimo 1024 byte su una riga.",
     "Höchstens 1024 Bytes in einer Zeile."},
    {"mailbox.wrong.alias", "“{value}” is not a plain address.", "«{value}» non è un indirizzo semplice.",
     "„{value}“ ist keine einfache Adresse."},
    {"mailbox.wrong.domain", "“{value}” is not a domain.", "«{value}» non è un dominio.",
     "„{value}“ ist keine Domäne."},
    {"mailbox.wrong.allow", "“{value}” is not an address or block.",
     "«{value}» non è un indirizzo né un blocco.", "„{value}“ ist weder Adresse noch Block."},
    {"mailbox.wrong.many", "More than 1000.", "Più di 1000.", "Mehr als 1000."},
    {"mailbox.wrong.quota", "“{value}” is not a size.", "«{value}» non è una dimensione.",
     "„{value}“ ist keine Größe."},
    {"mailbox.wrong.grace", "“{value}” is not a number of days up to ten years.",
     "«{value}» non è un numero di giorni fino a dieci anni.",
     "„{value}“ ist keine Zahl von Tagen bis zu zehn Jahren."},
    {"mailbox.wrong.password", "That is not its password.", "Non è la sua password.",
     "Das ist nicht sein Passwort."},
    {"mailbox.wrong.recovery", "That is not the recovery key.", "Non è la chiave di recupero.",
     "Das ist nicht der Wiederherstellungsschlüssel."},
    {"mailbox.wrong.no-recovery", "No recovery key opens this mailbox.",
     "Nessuna chiave di recupero apre questa casella.",
     "Kein Wiederherstellungsschlüssel öffnet dieses Postfach."},
    {"mailbox.wrong.weak", "At least 16 characters, and no control characters.",
     "Almeno 16 caratteri, senza caratteri di controllo.", "Mindestens 16 Zeichen, keine Steuerzeichen."},
    {"mailbox.wrong.again", "The two are not the same.", "Le due non coincidono.",
     "Die beiden stimmen nicht überein."},

    // Notices after a change (layout.h).
    {"notice.password", "The password was changed.", "La password è stata cambiata.",
     "Das Passwort wurde geändert."},
    {"notice.rotated", "New mail is sealed to the new key.", "La nuova posta usa la nuova chiave.",
     "Neue Post wird mit dem neuen Schlüssel versiegelt."},

    // Findings, one text per vault::Cause. diagnoses.cc lists the placeholders.
    {"diagnosis.read-only", "The vault is read-only: {detail}. Export what is there before anything else.",
     "La cassaforte è in sola lettura: {detail}. Prima di tutto esporta ciò che contiene.",
     "Der Tresor ist schreibgeschützt: {detail}. Exportieren Sie zuerst, was darin ist."},
    {"diagnosis.disk-full", "The disk is full ({octets} free): new mail is asked to come again. Make room.",
     "Il disco è pieno ({octets} liberi): la nuova posta viene temporaneamente rifiutata. Libera spazio.",
     "Die Platte ist voll ({octets} frei): Neue Nachrichten werden vorübergehend abgelehnt. Schaffen Sie "
     "Platz."},
    {"diagnosis.little-room", "Only {octets} are free on the disk.", "Sul disco restano solo {octets}.",
     "Auf der Platte sind nur noch {octets} frei."},
    {"diagnosis.clock", "The history is {span} ahead of the clock. Set the clock of this host.",
     "La cronologia è avanti di {span} rispetto all'orologio. Regola l'orologio di questo host.",
     "Der Verlauf ist der Uhr um {span} voraus. Stellen Sie die Uhr dieses Rechners."},
    {"diagnosis.weak-passwords", "The password slots of this vault are weak, for tests only.",
     "Gli slot delle password di questa cassaforte sono deboli, solo per prove.",
     "Die Passwort-Slots dieses Tresors sind schwach, nur für Tests."},
    {"diagnosis.no-recovery", "There is no recovery key: a lost password is lost mail.",
     "Non c'è una chiave di recupero: password persa significa posta persa.",
     "Es gibt keinen Wiederherstellungsschlüssel: Ein verlorenes Passwort ist verlorene Post."},
    {"diagnosis.no-backup", "There was never a backup of this vault. gw-store backup makes one.",
     "Di questa cassaforte non è mai stato fatto un backup. Lo fa gw-store backup.",
     "Von diesem Tresor gab es noch nie eine Sicherung. gw-store backup macht eine."},
    {"diagnosis.old-backup", "The last backup is of {time}. Make a new one with gw-store backup.",
     "L'ultimo backup è del {time}. Fanne uno nuovo con gw-store backup.",
     "Die letzte Sicherung ist vom {time}. Machen Sie mit gw-store backup eine neue."},
    {"diagnosis.no-verify",
     "Nobody has ever checked whether all in this vault is whole. gw-store verify does.",
     "Nessuno ha mai controllato se tutto in questo archivio è integro. Lo fa gw-store verify.",
     "Noch niemand hat geprüft, ob in diesem Tresor alles ganz ist. gw-store verify tut das."},
    {"diagnosis.old-verify", "It was last checked at {time} whether all here is whole. gw-store verify does.",
     "L'ultimo controllo che tutto sia integro è del {time}. Lo fa gw-store verify.",
     "Ob hier alles ganz ist, wurde zuletzt am {time} geprüft. gw-store verify tut das."},
    {"diagnosis.findings",
     "The check at {time} found {count} things that are not as they should be. gw-store verify names "
     "them.",
     "Il controllo del {time} ha trovato {count} cose che non sono come dovrebbero. gw-store verify "
     "le elenca.",
     "Die Prüfung am {time} fand {count} Dinge, die nicht so sind, wie sie sein sollen. gw-store verify "
     "nennt sie."},
    {"diagnosis.refused",
     "At least {count} connections were refused for good in the last week, the last one with {code} at "
     "{time} "
     "({detail}). "
     "Their mail is perhaps lost: the log of gw-smtpd says why.",
     "Almeno {count} connessioni rifiutate definitivamente nell'ultima settimana, l'ultima con {code} il "
     "{time} "
     "({detail}). La loro posta forse è persa: il registro di gw-smtpd dice perché.",
     "Mindestens {count} Verbindungen wurden in der letzten Woche endgültig abgewiesen, die letzte mit "
     "{code} am {time} "
     "({detail}). Ihre Post ist vielleicht verloren: Das Protokoll von gw-smtpd sagt, warum."},
    {"diagnosis.drain-broken",
     "Message {detail} broke off {count} drains. The archive cannot take it: download it, then quarantine "
     "it.",
     "Il messaggio {detail} ha interrotto {count} prelievi. L'archivio non riesce a prenderlo: scaricalo, "
     "poi "
     "mettilo in quarantena.",
     "An der Nachricht {detail} sind {count} Abholungen abgebrochen. Das Archiv nimmt sie nicht an: Laden "
     "Sie "
     "sie herunter, und stellen Sie sie dann unter Quarantäne."},
    {"diagnosis.unfetched",
     "{count} messages wait, the oldest for {span}; the last drain was at {time}. See whether the archive "
     "still "
     "fetches.",
     "{count} messaggi in attesa, il più vecchio da {span}; l'ultimo prelievo è del {time}. Verifica che "
     "l'archivio prelevi ancora.",
     "{count} Nachrichten warten, die älteste seit {span}; die letzte Abholung war am {time}. Sehen Sie "
     "nach, ob "
     "das Archiv noch abholt."},
    {"diagnosis.never-drained",
     "{count} messages wait, the oldest for {span}; nothing was ever drained. Set up what fetches the mail.",
     "{count} messaggi in attesa, il più vecchio da {span}; nulla è mai stato prelevato. Configura chi "
     "preleva la "
     "posta.",
     "{count} Nachrichten warten, die älteste seit {span}; nie wurde etwas abgeholt. Richten Sie ein, was "
     "die Post "
     "abholt."},
    {"diagnosis.silence",
     "Nothing came for {span}. See whether the journal rule still points to this mailbox.",
     "Non arriva nulla da {span}. Verifica che la regola di journaling punti ancora a questa casella.",
     "Seit {span} kam nichts. Sehen Sie nach, ob die Journalregel noch auf dieses Postfach zeigt."},
    {"diagnosis.never-delivered", "Nothing has ever come. Set up where the mail comes from.",
     "Non è mai arrivato nulla. Configura l'origine della posta.",
     "Noch nie kam etwas. Richten Sie ein, woher die Post kommt."},
    {"diagnosis.quota", "{octets} of {limit} are used. Beyond it senders are asked to come again.",
     "{octets} su {limit} in uso. Oltre questo limite la nuova posta viene temporaneamente rifiutata.",
     "{octets} von {limit} sind belegt. Darüber werden neue Nachrichten vorübergehend abgelehnt."},
    {"diagnosis.quarantined", "Messages set aside: {count}.", "Messaggi in quarantena: {count}.",
     "Beiseitegelegte Nachrichten: {count}."},
    {"diagnosis.unconfirmed", "Copies of mail that the provider has perhaps not taken: {count}.",
     "Copie di posta che il provider forse non ha accettato: {count}.",
     "Kopien von Post, die der Anbieter vielleicht nicht angenommen hat: {count}."},
    {"diagnosis.suspended", "Suspended: new mail is asked to come again.",
     "Sospesa: la nuova posta viene temporaneamente rifiutata.",
     "Angehalten: Neue Nachrichten werden vorübergehend abgelehnt."},
};

}  // namespace gw::web
