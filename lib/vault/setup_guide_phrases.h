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
    {"piler-run", "Run it from cron on this host as the user piler, after `usermod -aG gw-drain piler`.",
     "Eseguilo con cron su questo host come utente piler, dopo `usermod -aG gw-drain piler`.",
     "Führen Sie es mit cron auf diesem Server als Benutzer piler aus, nach `usermod -aG gw-drain piler`."},
    {"piler-directory", "pilerimport needs a current directory that it can write to.",
     "pilerimport richiede una cartella corrente in cui può scrivere.",
     "pilerimport braucht ein aktuelles Verzeichnis, in das es schreiben darf."},
    {"piler-status",
     "3: some messages could not be opened; the others are imported. pilerimport keeps what it could not "
     "import.",
     "3: alcuni messaggi non si possono aprire; gli altri vengono importati. pilerimport conserva quelli non "
     "importati.",
     "3: Einige Nachrichten lassen sich nicht öffnen; die übrigen werden importiert. pilerimport behält, was "
     "es "
     "nicht importieren konnte."},
    {"from-documentation", "Taken from the documentation and not tested with the product:",
     "Dalla documentazione, non provato con il prodotto:",
     "Aus der Dokumentation, nicht mit dem Produkt getestet:"},
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
    {"postfix-does", "a copy of every message. Run this script as root on the host of Postfix.",
     "una copia di ogni messaggio. Esegui questo script come root sull'host di Postfix.",
     "eine Kopie jeder Nachricht. Führen Sie dieses Skript als root auf dem Server von Postfix aus."},
    {"postfix-lifetime",
     "A copy that cannot be delivered within maximal_queue_lifetime (5 days) is lost without a notice: see "
     "always_bcc in postconf(5). Let `gw-store doctor --silence 1d` report a mailbox to which nothing comes.",
     "Una copia non consegnata entro maximal_queue_lifetime (5 giorni) va persa senza avviso: vedi "
     "always_bcc "
     "in postconf(5). `gw-store doctor --silence 1d` segnala una casella in cui non arriva nulla.",
     "Eine Kopie, die sich nicht innerhalb von maximal_queue_lifetime (5 Tage) zustellen lässt, geht ohne "
     "Meldung verloren: siehe always_bcc in postconf(5). `gw-store doctor --silence 1d` meldet ein Postfach, "
     "in dem nichts ankommt."},
    {"postfix-transport",
     "A transport for the copies alone: TLS with a checked certificate, and no broken lines.",
     "Un transport solo per le copie: TLS con certificato verificato, nessuna riga spezzata.",
     "Ein Transport nur für die Kopien: TLS mit geprüftem Zertifikat, keine umbrochenen Zeilen."},
    {"postfix-maps", "The maps that are in use stay.", "Le mappe in uso restano.",
     "Die vorhandenen Tabellen bleiben."},
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
