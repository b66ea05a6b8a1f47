// Addresses are relative, so that the page works below any path.
const main = document.querySelector("#console");
const said = document.createElement("p");
main.append(said);
const answer = await fetch("../health");
const { data } = await answer.json();
said.textContent = `untxt ${data.version} is ${data.status}.`;
