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
    {"password", "Insert the mailbox's password.", "Inserisci la password della casella.",
     "Tragen Sie das Passwort des Postfachs ein."},
    {"password-file", "the password, mode 0600, owned by the user who runs this.",
     "la password, permessi 0600, di proprietà dell'utente che esegue questo script.",
     "das Passwort, Rechte 0600, im Besitz des Benutzers, der dies ausführt."},
    {"kept", "Drained mail can be brought back for {span}",
     "La posta prelevata si può ripristinare per {span}",
     "Abgeholte Post lässt sich {span} lang zurückholen"},
    {"kept-by", "Drained mail can be brought back for {span}: gw-store message undelete",
     "La posta prelevata si può ripristinare per {span}: gw-store message undelete",
     "Abgeholte Post lässt sich {span} lang zurückholen: gw-store message undelete"},
    {"lost", "Drained mail cannot be brought back", "La posta prelevata non si può ripristinare",
     "Abgeholte Post lässt sich nicht zurückholen"},
    {"nothing-added", "Nothing is added to a mail.", "Nulla viene anteposto ai messaggi.",
     "Den Mails wird nichts vorangestellt."},
    {"fetchmail-mda",
     "Add `mda \"…\"` to pass the mail to a program; otherwise it goes to the SMTP server of this host.",
     "Aggiungi `mda \"…\"` per un tuo programma; altrimenti la posta va al server SMTP di questo host.",
     "Mit `mda \"…\"` geht die Mail an ein eigenes Programm, sonst an den SMTP-Server dieses Rechners."},
    {"curl-does",
     "One connection saves each mail to a file in the current directory and deletes all of them or none.",
     "Una connessione che salva ogni messaggio in un file della cartella corrente e lo elimina: tutti o "
     "nessuno.",
     "Eine Verbindung, die jede Mail in eine Datei des aktuellen Ordners holt und löscht, alle oder keine."},
    {"piler-does", "mail is exported as files, removed here once they are synced, and then imported.",
     "la posta esce come file, viene tolta di qui quando sono al sicuro sul disco, e viene importata.",
     "Mail geht als Dateien hinaus, wird hier entfernt, sobald sie sicher auf der Platte sind, und "
     "importiert."},
    {"piler-run", "Run it by cron on this host, as the user of piler.",
     "Eseguilo con cron su questo host, come utente di piler.",
     "Führen Sie es mit cron auf diesem Rechner aus, als Benutzer von piler."},
    {"openarchiver-does",
     "this writes an archive of EML files; upload it as an ingestion source `EML import`.",
     "questo scrive un archivio di file EML; caricalo come origine di acquisizione `EML import`.",
     "Dies schreibt ein Archiv von EML-Dateien; laden Sie es als Quelle `EML import` hoch."},
    {"exchange-title",
     "Exchange Server (2013 and later), journaling to this gateway; in the Exchange Management Shell:",
     "Exchange Server (dal 2013), journaling verso questo gateway; in Exchange Management Shell:",
     "Exchange Server (ab 2013), Journaling zu diesem Gateway; in der Exchange Management Shell:"},
    {"exchange-other",
     "OTHER-ADDRESS gets reports that could not be delivered for two days: use one that is read and not "
     "journaled.",
     "OTHER-ADDRESS riceve i rapporti non consegnati per due giorni: una casella che qualcuno legge, fuori "
     "dal "
     "journaling.",
     "OTHER-ADDRESS erhält Berichte, die zwei Tage lang nicht zustellbar waren: ein Postfach, das jemand "
     "liest, "
     "außerhalb des Journals."},
    {"test-mail", "Then send a test mail and check", "Poi invia un messaggio di prova e controlla",
     "Senden Sie dann eine Testmail und sehen Sie nach"},
    {"postfix-does", "a copy of every mail. In main.cf:", "una copia di ogni messaggio. In main.cf:",
     "eine Kopie jeder Mail. In main.cf:"},
    {"as-they-are", "Exact copies: no line is broken, no bare line ending is changed, no header is dropped.",
     "Copie fedeli: nessuna riga spezzata, nessun fine riga cambiato, nessuna intestazione tolta.",
     "Unveränderte Kopien: keine Zeile wird umbrochen, kein Zeilenende geändert, keine Kopfzeile entfernt."},
    {"exim-does", "a copy of every mail, one for all its recipients, with its envelope sender. The file",
     "una copia di ogni messaggio, una per tutti i destinatari, con il mittente della busta. Il file",
     "eine Kopie jeder Mail, eine für alle Empfänger, mit ihrem Umschlagabsender. Die Datei"},
    {"exim-main", "In the main part of the configuration:", "Nella parte principale della configurazione:",
     "Im Hauptteil der Konfiguration:"},
    {"exim-routers",
     "Among the routers, the first:", "Tra i router, per primo:", "Unter den Routern, als erster:"},
    {"exim-transports", "Among the transports:", "Tra i transport:", "Unter den Transports:"},
    {"day", "1 day", "1 giorno", "1 Tag"},
    {"days", "days", "giorni", "Tage"},
    {"hours", "h", "ore", "Stunden"},
    {"seconds", "s", "secondi", "Sekunden"},
};

}  // namespace gw::vault
