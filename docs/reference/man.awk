# Section 3 of the manual, from the header: a page for each section of it, and a link for each function and type.
#
#     awk -v dir=target/man3 -v date="November 23, 2026" -f man.awk include/mio_st.h
#
# POSIX awk alone, so that `make lib` needs nothing that a bare machine does not have.

BEGIN {
    pages["Versions"] = "mio_st_version"
    pages["Errors"] = "mio_st_strerror"
    pages["Interests, readiness, triggers and events"] = "mio_st_event"
    pages["Handles"] = "mio_st_live_handles"
    pages["What is detached"] = "mio_st_detached"
    pages["The poller"] = "mio_st_poller"
    pages["The awakener"] = "mio_st_awakener"
    pages["The registrar"] = "mio_st_registrar"
    pages["Addresses"] = "mio_st_addr"
    pages["Options of sockets"] = "mio_st_socket_options"
    pages["TCP streams"] = "mio_st_tcp_stream"
    pages["TCP listeners"] = "mio_st_tcp_listener"
    pages["UDP sockets"] = "mio_st_udp_socket"
    pages["Error queues"] = "mio_st_queued_error"
    pages["Unix streams"] = "mio_st_unix_stream"
    pages["Unix listeners"] = "mio_st_unix_listener"
    pages["Unix datagram sockets"] = "mio_st_unix_datagram"
    pages["Pipes"] = "mio_st_pipe"
    pages["Signals"] = "mio_st_signals"
    pages["Processes"] = "mio_st_process"
    while ((getline line < ARGV[1]) > 0)
        if (line ~ /^\/\* .* -+ \*\/$/)
            insert(page_of(line))
    close(ARGV[1])
}

# The comment at the top: the page mio_st(3).
NR == 1 { in_comment = 1; text = ""; next }
in_comment && /^ \*\/$/ {
    in_comment = 0
    if (!page)
        write_top()
    next
}
in_comment && /^ \*/ { text = text substr($0, 4) "\n"; next }

/^\/\* .* -+ \*\/$/ {
    finish()
    heading = heading_of($0)
    page = page_of($0)
    title = heading
    if (title !~ /^(TCP|UDP|Unix)/)
        title = tolower(title)
    next
}

/^#ifdef __cplusplus$/ && page { finish(); exit }
!page { next }

/^\/\*\*$/ { in_comment = 1; text = ""; next }

/^#define / {
    body = body ".Bl -tag -width Ds\n.It Dv " $2 "\n" roff(text) ".El\n"
    next
}

/^typedef struct \{$/ { declaration = $0; members = ""; about = text; in_struct = 1; next }
in_struct && /^    \/\*\*$/ { in_member = 1; text = ""; next }
in_member && /^     \*\/$/ { in_member = 0; next }
in_member { text = text substr($0, 8) "\n"; next }
in_struct && /^}/ {
    in_struct = 0
    name = $2
    sub(/;$/, "", name)
    link(name)
    body = body ".Ss " name "\n.Bd -literal\n" literal(declaration "\n" $0) ".Ed\n.Pp\n" roff(about)
    # Of a handle the one member says nothing.
    if (members !~ /It Fa bits/)
        body = body ".Bl -tag -width Ds\n" members ".El\n"
    next
}
in_struct {
    declaration = declaration "\n" $0
    name = $NF
    gsub(/[*;]/, "", name)
    members = members ".It Fa " name "\n" roff(text)
    next
}

# A declaration of a function, over one or several lines.
/^[a-z M]/ || declaring {
    line = $0
    sub(/^MIO_ST_MUST_USE ?/, "", line)
    prototype = declaring && prototype != "" ? prototype "\n" line : line
    declaring = 1
    if (line ~ /;$/) {
        declaring = 0
        write_function(prototype, text)
    }
}

function heading_of(line) {
    gsub(/^\/\* | -+ \*\/$/, "", line)
    return line
}

function page_of(line) {
    line = heading_of(line)
    if (!(line in pages)) {
        print "man.awk: the section \"" line "\" of the header has no page" > "/dev/stderr"
        exit 1
    }
    return pages[line]
}

# Into the list of all pages, which is sorted.
function insert(name, i) {
    for (i = ++page_count; i > 1 && sorted[i - 1] > name; i--)
        sorted[i] = sorted[i - 1]
    sorted[i] = name
}

function see_also(i, result) {
    for (i = 1; i <= page_count; i++)
        result = result ".Xr " sorted[i] " 3 ,\n"
    return ".Sh SEE ALSO\n" result ".Xr mio_st 7\n"
}

function write_function(prototype, text, name) {
    name = prototype
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
    synopsis = synopsis literal(prototype)
    body = body ".Ss " name "\n.Bd -literal\n" literal(prototype) ".Ed\n.Pp\n" roff(text)
    link(name)
}

# Paragraphs; those that begin with a word and a full stop have it as a heading.
function write_top(n, i, paragraph, parts, file, heading) {
    file = dir "/mio_st.3"
    print top("mio_st", "conventions of mio_st.h") ".Sh DESCRIPTION" > file
    n = split(text, parts, /\n\n/)
    for (i = 1; i <= n; i++) {
        paragraph = parts[i]
        if (paragraph ~ /^Generated/ || paragraph ~ /^ *mio_st.h:/)
            continue
        if (paragraph ~ /^  /)
            printf "%s", table(paragraph) > file
        else if (match(paragraph, /^[A-Z][a-z]+\. /)) {
            heading = substr(paragraph, 1, RLENGTH - 2)
            printf ".Ss %s\n%s", heading, roff(substr(paragraph, RLENGTH + 1)) > file
        } else
            printf ".Pp\n%s", roff(paragraph) > file
    }
    printf "%s", see_also() > file
    close(file)
}

# A line is a word, spaces, and what it means.
function table(paragraph, n, i, lines, result) {
    n = split(paragraph, lines, /\n/)
    result = ".Bl -tag -width Ds\n"
    for (i = 1; i <= n; i++)
        if (match(lines[i], /^ *[^ ]+ +/)) {
            result = result ".It Dv " hyphens(substr(lines[i], 1, RLENGTH)) "\n"
            result = result roff(substr(lines[i], RLENGTH + 1))
        }
    return result ".El\n"
}

function hyphens(text) {
    gsub(/ /, "", text)
    gsub(/-/, "\\-", text)
    return text
}

function top(name, description) {
    return ".\\\" Generated from include/mio_st.h.\n.Dd " date "\n.Dt " toupper(name) " 3\n.Os\n.Sh NAME\n.Nm " name \
        "\n.Nd " description "\n.Sh SYNOPSIS\n.In mio_st.h\n"
}

function finish(file) {
    if (!page)
        return
    file = dir "/" page ".3"
    if (synopsis)
        synopsis = ".Bd -literal\n" synopsis ".Ed\n"
    printf "%s.Sh DESCRIPTION\n%s", top(page, title) synopsis, body > file
    print ".Sh SEE ALSO\n.Xr mio_st 3 ,\n.Xr mio_st 7" > file
    close(file)
    synopsis = body = ""
}

function link(name, file) {
    if (name == page)
        return
    file = dir "/" name ".3"
    print ".so man3/" page ".3" > file
    close(file)
}

function literal(code) {
    gsub(/\\/, "\\e", code)
    gsub(/-/, "\\-", code)
    return code "\n"
}

# A comment as text for the formatter: a sentence a line, and no line too long.
function roff(text, n, i, paragraphs, result) {
    sub(/\n+$/, "", text)
    n = split(text, paragraphs, /\n\n/)
    for (i = 1; i <= n; i++)
        result = result (i > 1 ? ".Pp\n" : "") fill(paragraphs[i])
    return result
}

function fill(paragraph, n, i, words, line, result) {
    gsub(/\n/, " ", paragraph)
    paragraph = fonts(paragraph)
    n = split(paragraph, words, / +/)
    for (i = 1; i <= n; i++) {
        if (words[i] ~ /^mio_st_[a-z0-9_]+\(\)[,;:.]?$/) {
            result = result (line == "" ? "" : line "\n") ".Fn " macro(words[i]) "\n"
            line = ""
            continue
        }
        if (line != "" && length(line) + length(words[i]) > 76) {
            result = result line "\n"
            line = ""
        }
        line = line (line == "" ? "" : " ") words[i]
        if (words[i] ~ /[.?!]$/) {
            result = result line "\n"
            line = ""
        }
    }
    return result (line == "" ? "" : line "\n")
}

# The name of a function, and what follows it as an argument of its own.
function macro(call) {
    sub(/\(\)/, " ", call)
    sub(/ $/, "", call)
    return call
}

# `code` in bold.
function fonts(text, n, i, parts, code, result) {
    gsub(/\\/, "\\e", text)
    n = split(text, parts, /`/)
    for (i = 1; i <= n; i++) {
        code = parts[i]
        if (i % 2 == 0) {
            gsub(/-/, "\\-", code)
            code = "\\fB" code "\\fP"
        }
        result = result code
    }
    return result
}
