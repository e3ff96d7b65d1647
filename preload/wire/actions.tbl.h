/* SPDX-License-Identifier: Apache-2.0
 *
 * Every action sowatch knows, one line each. Append-only: numbers are on the wire and in logs.
 * ACTION(ID, number, "published name", FAMILY, what one event of it says)
 * FAMILY is the policy family that judges it: NET FILE EXEC ENV.
 */
ACTION(NET_CONNECT,   1, "net.connect",   NET,  "a stream connection to a peer was begun")
ACTION(NET_BIND,      2, "net.bind",      NET,  "a socket was given a local address")
ACTION(NET_LISTEN,    3, "net.listen",    NET,  "a socket accepts connections from now on")
ACTION(NET_ACCEPT,    4, "net.accept",    NET,  "a connection from a peer was accepted")
ACTION(NET_SEND,      5, "net.send",      NET,  "the first datagram to a peer on this socket")
ACTION(NET_RESOLVE,   6, "net.resolve",   NET,  "the resolver was asked for a name")
ACTION(NET_EXCHANGE,  7, "net.exchange",  NET,  "requests and replies on one connection lost their order")
ACTION(FILE_READ,     8, "file.read",     FILE, "a file was opened for reading")
ACTION(FILE_WRITE,    9, "file.write",    FILE, "a file was opened for writing, created or truncated")
ACTION(FILE_DELETE,  10, "file.delete",   FILE, "a file or directory was removed")
ACTION(FILE_RENAME,  11, "file.rename",   FILE, "a file was given another name")
ACTION(FILE_LINK,    12, "file.link",     FILE, "a hard or symbolic link was made")
ACTION(FILE_MODE,    13, "file.mode",     FILE, "mode or owner of a file was changed")
ACTION(FILE_LIST,    14, "file.list",     FILE, "a directory was opened for listing")
ACTION(EXEC_RUN,     15, "exec.run",      EXEC, "a program was executed")
ACTION(EXEC_LOAD,    16, "exec.load",     EXEC, "a shared object was loaded at run time")
ACTION(EXEC_CODE,    17, "exec.code",     EXEC, "memory was made executable")
ACTION(EXEC_INSPECT, 18, "exec.inspect",  EXEC, "another process's memory was opened, read, written or traced")
ACTION(ENV_READ,     19, "env.read",      ENV,  "an environment variable was looked up by name")
