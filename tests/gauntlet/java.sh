#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Java: an http server and its client in one program, compiled and run.
. "$(dirname "$0")/lib.sh"

need_program javac java
port=$(free_port)
cat >"$work/Job.java" <<'JAVA'
import com.sun.net.httpserver.*;
import java.net.*;
import java.net.http.*;
import java.nio.file.*;
public class Job {
	public static void main(String[] args) throws Exception {
		int port = Integer.parseInt(args[0]);
		HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
		server.createContext("/", exchange -> {
			byte[] text = ("hello " + exchange.getRequestURI()).getBytes();
			exchange.sendResponseHeaders(200, text.length);
			exchange.getResponseBody().write(text);
			exchange.close();
		});
		server.start();
		HttpClient client = HttpClient.newHttpClient();
		for (int round = 0; round < 3; round++)
			System.out.println(client.send(HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/" + round)).build(),
				HttpResponse.BodyHandlers.ofString()).body());
		Files.writeString(Path.of("out.txt"), "x");
		System.out.println(Files.readString(Path.of("out.txt")));
		System.out.println(new String(new ProcessBuilder("echo", "child").start().getInputStream().readAllBytes()).trim());
		server.stop(0);
		System.exit(0);
	}
}
JAVA
quiet java --any-stderr -- bash -c "javac -d . $work/Job.java && java -Xmx128m -cp . Job $port"
expect "it was answered" grep -qx "hello /2" "$here/out"
