// The phrases in which recipes (vault/setup_guide_texts.h) address people, in the languages of the
// console. Each is one line, so that it can stand in a comment of a configuration file. `{span}` is
// replaced by a period of time in the same language. Internal to lib/vault.
#pragma once

#include <string_view>

namespace gw::vault {

struct RecipePhrase {
  std::string_view id;
  std::string_view english, italian, german;
};

inline constexpr RecipePhrase kRecipePhrases[] = {
    {"password", "Enter the password of the mailbox.", "Inserisci la password della casella.",
     "Tragen Sie das Passwort des Postfachs ein."},
    {"mode-600", "mode 0600", "permessi 0600", "Zugriffsrechte 0600"},
    {"mode-700", "mode 0700", "permessi 0700", "Zugriffsrechte 0700"},
    {"password-file", "the password; mode 0600, owned by the user who runs this script.",
     "la password; permessi 0600, di proprietà dell'utente che esegue questo script.",
     "das Passwort; Zugriffsrechte 0600, im Besitz des Benutzers, der dieses Skript ausführt."},
    {"kept", "Drained mail can be brought back for {span}", "La posta prelevata si può recuperare per {span}",
     "Abgeholte E-Mails lassen sich {span} lang zurückholen"},
    {"kept-by", "Drained mail can be brought back for {span}: gw-store message undelete",
     "La posta prelevata si può recuperare per {span}: gw-store message undelete",
     "Abgeholte E-Mails lassen sich {span} lang zurückholen: gw-store message undelete"},
    {"lost", "Drained mail cannot be brought back", "La posta prelevata non si può recuperare",
     "Abgeholte E-Mails lassen sich nicht zurückholen"},
    {"nothing-added", "Nothing is added to the messages.", "Nulla viene aggiunto ai messaggi.",
     "Den Nachrichten wird nichts hinzugefügt."},
    {"fetchmail-mda",
     "Add `mda \"…\"` to pass the mail to a program; otherwise it goes to the SMTP server of this host.",
     "Aggiungi `mda \"…\"` per passare la posta a un programma; altrimenti va al server SMTP di questo host.",
     "Mit `mda \"…\"` gehen die E-Mails an ein Programm, sonst an den SMTP-Server dieses Computers."},
    {"curl-does",
     "One connection that saves each message as a file in the current directory and deletes it: all or none.",
     "Una connessione che salva ogni messaggio in un file della cartella corrente e lo elimina: tutti o "
     "nessuno.",
     "Eine Verbindung, die jede Nachricht in einer Datei des aktuellen Verzeichnisses speichert und löscht: "
     "alle oder keine."},
    {"piler-does",
     "exports the messages as files, removes them here once they are synced to disk, and imports them.",
     "esporta i messaggi come file, li elimina qui quando sono al sicuro su disco e li importa.",
     "exportiert die Nachrichten als Dateien, löscht sie hier, sobald sie sicher auf dem Datenträger sind, "
     "und importiert sie."},
    {"piler-run", "Run it from cron on this host, as the user of piler.",
     "Eseguilo con cron su questo host, come utente di piler.",
     "Führen Sie es mit cron auf diesem Server aus, als Benutzer von piler."},
    {"openarchiver-does", "writes an archive of EML files; upload it as an ingestion source `EML import`.",
     "scrive un archivio di file EML; caricalo come origine di acquisizione `EML import`.",
     "schreibt ein Archiv von EML-Dateien; laden Sie es als Quelle `EML import` hoch."},
    {"exchange-title",
     "Exchange Server (2013 and later), journaling to this gateway; in the Exchange Management Shell:",
     "Exchange Server (dal 2013), journaling verso questo gateway; in Exchange Management Shell:",
     "Exchange Server (ab 2013), Journaling zu diesem Gateway; in der Exchange Management Shell:"},
    {"exchange-other",
     "OTHER-ADDRESS receives reports that could not be delivered for two days: choose a mailbox that "
     "people read and that is not journaled.",
     "OTHER-ADDRESS riceve i rapporti non consegnati per due giorni: scegli una casella che qualcuno legge e "
     "che non è soggetta al journal.",
     "OTHER-ADDRESS erhält Berichte, die zwei Tage lang nicht zustellbar waren: Wählen Sie ein Postfach, das "
     "jemand liest und das nicht selbst im Journal steht."},
    {"test-mail", "Then send a test message and run", "Poi invia un messaggio di prova ed esegui",
     "Senden Sie dann eine Testnachricht und führen Sie aus"},
    {"postfix-does", "a copy of every message. In main.cf:", "una copia di ogni messaggio. In main.cf:",
     "eine Kopie jeder Nachricht. In main.cf:"},
    {"as-they-are",
     "Unaltered copies: no line is broken, no stray line ending is changed, no header field is dropped.",
     "Copie fedeli: nessuna riga spezzata, nessun fine riga cambiato, nessuna intestazione tolta.",
     "Unveränderte Kopien: Keine Zeile wird umbrochen, kein Zeilenende geändert, keine Kopfzeile entfernt."},
    {"exim-does", "a copy of every message, one for all its recipients, with its envelope sender. The file",
     "una copia di ogni messaggio, una per tutti i destinatari, con il mittente della busta. Il file",
     "eine Kopie jeder Nachricht, eine für alle Empfänger, mit ihrem Umschlagabsender. Die Datei"},
    {"exim-main", "In the main part of the configuration:", "Nella parte principale della configurazione:",
     "Im Hauptteil der Konfiguration:"},
    {"exim-routers",
     "Among the routers, as the first:", "Tra i router, per primo:", "Unter den Routern, als erster:"},
    {"exim-transports", "Among the transports:", "Tra i transport:", "Unter den Transports:"},
    {"day", "day", "giorno", "Tag"},
    {"days", "days", "giorni", "Tage"},
    {"hour", "hour", "ora", "Stunde"},
    {"hours", "hours", "ore", "Stunden"},
    {"minute", "minute", "minuto", "Minute"},
    {"minutes", "minutes", "minuti", "Minuten"},
    {"second", "second", "secondo", "Sekunde"},
    {"seconds", "seconds", "secondi", "Sekunden"},
};

}  // namespace gw::vault
